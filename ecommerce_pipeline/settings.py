"""Every setting of the pipeline, typed: the authority on what can be configured and what the defaults are.

Nothing else in the project reads the environment. Values come, in this order, from `SHOPSPHERE_*` variables, from
`.env` at the project's root (0600, never in git), and from the defaults below, which make a fresh clone work on one
machine without servers. Paths that are given relative stand on the project's root, so that a moved clone finds its own.
"""

from __future__ import annotations

import os
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from ecommerce_pipeline.stack_settings import StackSettings

ROOT = Path(__file__).resolve().parent.parent
# Where values are kept between commands; another file for tests and for a second lake beside the first.
ENV_FILE = Path(os.environ.get("SHOPSPHERE_ENV_FILE") or ROOT / ".env")
Profile = Literal["embedded", "stack"]


class Settings(StackSettings):
    """One validated value per setting; raises pydantic's ValidationError naming each field that is wrong."""

    model_config = SettingsConfigDict(
        env_prefix="SHOPSPHERE_", env_file=ENV_FILE, env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    profile: Profile = Field("embedded", description="embedded: no servers; stack: MinIO, PostgreSQL, Trino")
    home: Path = Field(Path("var"), description="where everything generated lives")

    # sources, one block a system; the demo company writes its own into .env
    shop_url: SecretStr = Field(SecretStr(""), description="postgresql:// or mysql:// of the orders database")
    catalog_url: SecretStr = Field(SecretStr(""), description="postgresql:// of the product catalog")
    hubspot_url: str = Field("https://api.hubapi.com", description="base address of the HubSpot v3 API")
    hubspot_token: SecretStr = Field(SecretStr(""), description="private-app token of the HubSpot API")
    web_events_path: str = Field("var/sources/events", description="folder of click events, one folder a day")
    crm_path: str = Field("var/sources/crm", description="folder of the legacy CRM's CSV exports")

    # the lake; empty means the embedded default under `home`
    lake_catalog_uri: SecretStr = Field(SecretStr(""), description="SQLAlchemy address of the Iceberg catalog")
    lake_warehouse: str = Field("", description="file:// or s3:// root of the tables")
    branch: str = Field("lake", description="branch of the catalog that dbt builds on; `lake` is production")
    catalog_token: SecretStr = Field(SecretStr(""), description="wanted by `shopsphere catalog`; empty: a new one")

    # another Iceberg REST catalog in which production is shown after each run; without an address, in none
    mirror_uri: str = Field("", description="address of the REST catalog: Polaris, Nessie, Lakekeeper, Glue, …")
    mirror_warehouse: str = Field("", description="what it calls the warehouse; empty: its own default")
    mirror_schemas: str = Field("executive finance marketing growth product", description="schemas that are shown")
    mirror_token: SecretStr = Field(SecretStr(""), description="bearer token for it")
    mirror_credential: SecretStr = Field(SecretStr(""), description="instead of a token: OAuth2 client-id:secret")
    mirror_options: dict[str, str] = Field({}, description="more of PyIceberg's REST properties, as JSON")

    # the dashboard server; `shopsphere dashboards up` writes its own into .env
    superset_url: str = Field("", description="address of Superset; empty: the one that runs here")
    superset_user: str = Field("admin", description="by which the pipeline signs in to Superset")
    superset_password: SecretStr = Field(SecretStr(""), description="that user's password")

    # e-mail: reports and alerts of the dashboards on the stack; without a host none is sent
    smtp_host: str = Field("", description="mail server; empty: nothing is sent")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    smtp_encryption: Literal["starttls", "tls", "none"] = Field("starttls", description="none: a relay on this machine")
    smtp_user: str = Field("", description="by which to sign in there; empty: without")
    smtp_password: SecretStr = Field(SecretStr(""), description="that user's password")
    smtp_from: str = Field("dashboards@localhost", description="whom the mail is from")

    # alerts: addresses with blanks between (docs/guides/operations.md); without one, `shopsphere alerts list` has them
    alerts_to: SecretStr = Field(SecretStr(""), description="who is told of everything: mailto:…, slack+https://…, …")
    alerts_routes: SecretStr = Field(SecretStr(""), description="who else: owner=address address; owner=address")
    alerts_digest_hour: int = Field(6, ge=-1, le=23, description="hour (UTC) of the day's digest; -1: none")
    alerts_quarantine_share: float = Field(0.05, ge=0, le=1, description="share of a load held back that is told of")
    alerts_disk_gb: float = Field(5.0, ge=0, description="less free disk than this is told of")
    alerts_memory_gb: float = Field(0.5, ge=0, description="less available memory than this is told of")
    dagster_url: str = Field("http://127.0.0.1:3000", description="address of the Dagster UI, as a reader reaches it")
    runbooks_url: str = Field(
        "docs/runbooks", description="where a reader finds the runbooks: https://git…/docs/runbooks"
    )

    # what other programs are told of every run; empty: nothing
    metrics_file: str = Field("", description="file for Prometheus' textfile collector, written when a run has ended")
    openlineage_url: str = Field("", description="server that takes OpenLineage events")
    openlineage_api_key: SecretStr = Field(SecretStr(""), description="by which to sign in there; empty: without")
    openlineage_file: str = Field("", description="file for OpenLineage events, a line each, when there is no server")
    log_format: Literal["text", "json"] = Field("text", description="json: runs are logged to log/runs.jsonl too")

    # the company's calendar
    first_day: date = Field(date(2017, 1, 1), description="the first business day of the daily partitions")
    last_day: date = Field(date(2018, 1, 1), description="the last business day of the daily partitions, inclusive")
    business_timezone: str = Field("UTC", description="zone of the business day, and of the nightly run")
    company_currency: str = Field("USD", pattern="^[A-Z]{3}$", description="ISO 4217; orders in another are held back")
    reporting_threshold_usd: int = Field(150, ge=0, description="finance.daily_compliance counts orders above it")
    rejects_limit: float = Field(0.5, ge=0, le=1, description="share of rejected records above which a stream fails")

    @field_validator("home")
    @classmethod
    def _on_the_root(cls, value: Path) -> Path:
        return value if value.is_absolute() else ROOT / value

    @field_validator("web_events_path", "crm_path")
    @classmethod
    def _path_on_the_root(cls, value: str) -> str:
        return value if "://" in value or value.startswith("/") else str(ROOT / value)

    @field_validator("business_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("no zone is called so; one is Europe/Berlin") from error
        return value

    @property
    def root(self) -> Path:
        """The project's root: where `pyproject.toml`, `dbt/` and `meltano/` stand."""
        return ROOT

    @property
    def env_file(self) -> Path:
        """The file whose values these settings hold, below the environment's (0600, never in git)."""
        return ENV_FILE

    @property
    def lake_dir(self) -> Path:
        """Folder of the embedded lake: catalog database and warehouse."""
        return self.home / "lake"

    @property
    def stack_dir(self) -> Path:
        """Folder of the stack: what its servers keep, their certificate, their rendered configuration."""
        return self.home / "stack"

    @property
    def catalog_uri(self) -> str:
        """SQLAlchemy address of the catalog's database; holds a password on the stack, so never log it."""
        if self.lake_catalog_uri.get_secret_value():
            return self.lake_catalog_uri.get_secret_value()
        if self.profile == "stack":
            return self.postgres_address("lake")
        return f"sqlite:///{self.lake_dir / 'catalog.db'}"

    @property
    def warehouse(self) -> str:
        """Root address of the tables' files."""
        if self.lake_warehouse:
            return self.lake_warehouse
        return (
            f"s3://{self.s3_bucket}/warehouse" if self.profile == "stack" else f"file://{self.lake_dir / 'warehouse'}"
        )

    @property
    def trino_certificate(self) -> str:
        """File with the certificate by which Trino is known."""
        return self.trino_ca or str(self.stack_dir / "tls" / "ca.pem")

    @property
    def stage_dir(self) -> Path:
        """Where batches stand between tap and target."""
        return self.home / "stage"

    @property
    def log_dir(self) -> Path:
        """Logs, one file a service."""
        return self.home / "log"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME: run storage, event log, schedules."""
        return self.home / "dagster"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process's settings, read once; `get_settings.cache_clear()` reads them anew."""
    return Settings()
