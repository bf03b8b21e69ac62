"""The settings for a process that is starting, or one clear line that says which of them is wrong."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ecommerce_pipeline.settings import Settings, get_settings


class ConfigurationError(Exception):
    """A setting has a value it cannot have; the message names it, what it is, and what it may be."""


def configured() -> Settings:
    """The settings; raises ConfigurationError in one line instead of pydantic's report."""
    try:
        return get_settings()
    except ValidationError as error:
        raise ConfigurationError(_in_one_line(error)) from None


def _in_one_line(error: ValidationError) -> str:
    wrong = [_fault("_".join(str(part) for part in fault["loc"]), fault) for fault in error.errors(include_url=False)]
    return f"{'; '.join(wrong)}. Next: mend it in the environment or in .env (.env.example lists all settings)"


def _fault(name: str, fault: ErrorDetails) -> str:
    # an address or a token may hold a secret: what it is, is not shown
    value = "not valid" if name.endswith(("url", "uri", "token")) else repr(fault["input"])
    return f"SHOPSPHERE_{name.upper()} is {value}: {fault['msg']}"
