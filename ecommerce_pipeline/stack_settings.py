"""The settings of the stack's servers: the authority on their ports, sizes and secrets, and on the addresses that
follow from them.

A secret has no default: `shopsphere stack up` makes each at its first start and keeps it in `.env` (0600). What can be
derived (an address from a port and a password) is derived here and never kept, so that changing one port or one
password changes it everywhere. A server that stands elsewhere is reached by setting its address instead.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

Runner = Literal["auto", "compose", "native"]
LOOPBACK = "127.0.0.1"


def _secret(description: str) -> SecretStr:
    """A setting whose value is made at the first start (see `operations/stack/secrets.py`)."""
    made: SecretStr = Field(SecretStr(""), description=description, json_schema_extra={"generated": True})
    return made


class StackSettings(BaseSettings):
    """What the stack's servers are told, and what reaches them; without effect in the embedded profile."""

    stack_runner: Runner = Field("auto", description="auto: at the first start Compose where a daemon answers")
    compose_project: str = Field("", pattern=r"^([a-z0-9][a-z0-9_-]*)?$", description="Compose project; empty: made")
    minio_port: int = Field(9000, ge=1, le=65535, description="port of the object store")
    postgres_port: int = Field(15432, ge=1, le=65535, description="port of PostgreSQL")
    mariadb_port: int = Field(13306, ge=1, le=65535, description="port of MariaDB")
    valkey_port: int = Field(16379, ge=1, le=65535, description="port of Valkey: what the dashboard server remembers")
    trino_port: int = Field(8443, ge=1, le=65535, description="port of Trino, TLS and password")
    trino_internal_port: int = Field(8081, ge=1, le=65528, description="port between Trino's nodes; workers follow it")
    trino_workers: int = Field(0, ge=0, le=7, description="Trino workers beside the coordinator")
    trino_heap: str = Field("2G", pattern=r"^\d+[MG]$", description="heap of each Trino node")

    # the object store, as the pipeline reaches it; any S3 by these alone
    s3_endpoint: str = Field("", description="address of the S3 API; empty: the stack's MinIO")
    s3_region: str = Field("us-east-1", description="region of the bucket")
    s3_bucket: str = Field("lake", description="bucket of the tables")
    s3_access_key: str = Field("pipeline", description="user that the pipeline is in the object store")
    s3_path_style: bool = Field(True, description="bucket in the path, as MinIO wants it; false for AWS")
    s3_secret_key: SecretStr = _secret("password of that user")
    s3_ingestion_secret_key: SecretStr = _secret("of `ingestion`: Meltano, writes raw tables and rejects only")
    s3_trino_secret_key: SecretStr = _secret("of `trino`: Trino's own")
    s3_backup_secret_key: SecretStr = _secret("of `backup`: reads every version, writes nothing")
    minio_root_password: SecretStr = _secret("of MinIO's administrator `root`; only provisioning uses it")
    minio_kms_key: SecretStr = _secret("master key of the encryption at rest: lose it and the data is lost")

    # PostgreSQL: a role for each database, named alike
    postgres_admin_password: SecretStr = _secret("of PostgreSQL's superuser; only provisioning uses it")
    postgres_lake_password: SecretStr = _secret("of `lake`: the Iceberg catalog")
    postgres_dagster_password: SecretStr = _secret("of `dagster`: runs, events, schedules")
    postgres_meltano_password: SecretStr = _secret("of `meltano`: Meltano's own database")
    postgres_superset_password: SecretStr = _secret("of `superset`: dashboards' metadata")
    postgres_catalog_password: SecretStr = _secret("of `catalog`: ShopSphere's product catalog")
    postgres_backup_password: SecretStr = _secret("of `backup`: reads the Iceberg catalog, writes nothing")

    mariadb_root_password: SecretStr = _secret("of MariaDB's administrator")
    mariadb_shop_password: SecretStr = _secret("of `shop`, who owns the orders database")
    mariadb_reader_password: SecretStr = _secret("of `meltano`, who reads it")

    valkey_password: SecretStr = _secret("of Valkey")

    # Trino, as the pipeline reaches it
    trino_host: str = Field(LOOPBACK, description="host of Trino")
    trino_user: str = Field("pipeline", description="user that the pipeline is in Trino")
    trino_ca: str = Field("", description="certificate that signs Trino's; empty: the stack's own")
    trino_password: SecretStr = _secret("of the Trino user `pipeline`")
    trino_analyst_password: SecretStr = _secret("of the Trino user `analyst`, who reads the marts")
    trino_admin_password: SecretStr = _secret("of the Trino user `admin`")
    trino_superset_password: SecretStr = _secret("of the Trino user `superset`, who asks in the name of who signed in")
    trino_internal_secret: SecretStr = _secret("by which Trino's nodes know each other")

    @property
    def object_store(self) -> str:
        """Address of the S3 API."""
        return self.s3_endpoint or f"http://{LOOPBACK}:{self.minio_port}"

    def postgres_address(self, database: str, as_user: str = "") -> str:
        """SQLAlchemy address of one of the stack's databases, as its owner or another role; holds the password, so
        never log it.
        """
        user = as_user or database
        password: SecretStr = getattr(self, f"postgres_{user}_password")
        return f"postgresql+psycopg://{user}:{password.get_secret_value()}@{LOOPBACK}:{self.postgres_port}/{database}"

    def mariadb_address(self, user: Literal["shop", "meltano"]) -> str:
        """Address of the orders database, as its owner or as its reader; holds the password, so never log it."""
        password = self.mariadb_shop_password if user == "shop" else self.mariadb_reader_password
        return f"mysql://{user}:{password.get_secret_value()}@{LOOPBACK}:{self.mariadb_port}/shop"
