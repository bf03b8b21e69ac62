"""Valkey and Redis, as far as the pipeline speaks to them itself: whether ours answers, and its address."""

from __future__ import annotations

import socket

from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.stack_settings import LOOPBACK


def answers(settings: Settings) -> bool:
    """Whether the server on the settings' port knows our password."""
    password = settings.valkey_password.get_secret_value()
    try:
        with socket.create_connection((LOOPBACK, settings.valkey_port), 2) as connection:
            connection.settimeout(2)
            connection.sendall(f"AUTH {password}\r\n".encode())
            return connection.recv(64).startswith(b"+OK")
    except OSError:
        return False


def address(settings: Settings, database: int) -> str:
    """The address of one of its numbered databases; holds the password, so never log it."""
    return f"redis://:{settings.valkey_password.get_secret_value()}@{LOOPBACK}:{settings.valkey_port}/{database}"
