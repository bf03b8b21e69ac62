"""The stack's secrets: made once, kept in `.env`, handed to each server by a file that only it may read.

No secret is ever an argument of a command, a line of a log or a value of the supervisor's configuration. A secret
that is missing although the data it protects is there is never replaced: what it locks would be lost.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from ecommerce_pipeline import env_file
from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.operations.stack import compose_project
from ecommerce_pipeline.settings import Settings, get_settings
from ecommerce_pipeline.stack_settings import StackSettings

KMS_KEY_NAME = "lake-key"
# What is locked with which secret: the folder below the stack's, or in containers the volume, that must not outlive it.
_LOCKED = {"minio_kms_key": "minio", "postgres_admin_password": "postgres"}
# Reads the file of secrets into the environment, then becomes the server.
_WITH_SECRETS = 'set -a; . "$0"; set +a; exec "$@"'


def generated() -> list[str]:
    """Names of the settings whose values are made here."""
    return [name for name, field in StackSettings.model_fields.items() if field.json_schema_extra]


def ensure(settings: Settings) -> Settings:
    """The settings with every secret present; new ones are kept in the env file. Raises ServiceError if one was
    lost whose data is still there.
    """
    missing = [name for name in generated() if not secret(settings, name)]
    if not missing:
        return settings
    for name in missing:
        _refuse_if_locked(settings, name)
    env_file.keep(settings.env_file, {f"SHOPSPHERE_{name.upper()}": _new(name) for name in missing})
    get_settings.cache_clear()
    return get_settings()


def secret(settings: Settings, name: str) -> str:
    """The value of a secret, empty if there is none yet."""
    value: SecretStr = getattr(settings, name)
    return value.get_secret_value()


def with_secrets(path: Path, values: Mapping[str, str], command: Sequence[str]) -> list[str]:
    """Write the values to `path` (0600) and return the command that starts with them in its environment."""
    env_file.write_private(path, "".join(f"{name}='{value}'\n" for name, value in values.items()))
    return ["/bin/sh", "-c", _WITH_SECRETS, str(path), *command]


def _new(name: str) -> str:
    if name == "minio_kms_key":
        return f"{KMS_KEY_NAME}:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    return secrets.token_hex(20)  # forty characters, MinIO's limit; safe in an address and in a shell


def _refuse_if_locked(settings: Settings, name: str) -> None:
    if name not in _LOCKED:
        return
    folder = settings.stack_dir / _LOCKED[name]
    locked = [str(folder)] if folder.exists() else [f"volume {one}" for one in compose_project.volumes(settings)]
    if locked:
        raise ServiceError(
            f"SHOPSPHERE_{name.upper()} is missing from {settings.env_file}, and {', '.join(locked)} was made with it. "
            "Next: put the lost line back from a copy of the file, or `shopsphere reset` and load again"
        )
