"""Who takes a backup: on the stack a user of the object store and a role of PostgreSQL that read and write nothing."""

from __future__ import annotations

from pydantic import SecretStr

from ecommerce_pipeline.operations.backup.archive import BackupError
from ecommerce_pipeline.settings import Settings

USER = "backup"


def reading(settings: Settings) -> Settings:
    """The settings as the account that only reads sees them; the same where the stack's own servers are not used.

    Raises BackupError if the account has no password yet.
    """
    if settings.profile != "stack":
        return settings
    found: dict[str, object] = {}
    if not settings.lake_catalog_uri.get_secret_value():
        _require(settings.postgres_backup_password, settings)
        found["lake_catalog_uri"] = SecretStr(settings.postgres_address("lake", as_user=USER))
    if not settings.s3_endpoint:
        _require(settings.s3_backup_secret_key, settings)
        found |= {"s3_access_key": USER, "s3_secret_key": settings.s3_backup_secret_key}
    return settings.model_copy(update=found)


def _require(secret: SecretStr, settings: Settings) -> None:
    if not secret.get_secret_value():
        raise BackupError(f"{settings.env_file} has no password for the account `{USER}`. Next: `make up` makes it")
