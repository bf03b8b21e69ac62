"""Errors the tap raises on purpose: each names the thing, the place and the next step, and never holds a password."""

from __future__ import annotations

from urllib.parse import urlsplit


class TapError(Exception):
    """The run stops with one line on stderr; what earlier streams committed stays."""


class ChangesLostError(TapError):
    """The log does not tell all that it should of one stream, which must be read whole."""


def without_secret(text: str, url: str) -> str:
    """The text with the address's password blotted out, in case a driver repeats it."""
    password = urlsplit(url).password
    return text.replace(password, "***") if password else text


def shown_address(url: str) -> str:
    """The address as a person may see it: user@host:port/database."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return f"{user}{parts.hostname or 'local socket'}{f':{parts.port}' if parts.port else ''}{parts.path}"
