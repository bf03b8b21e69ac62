"""How Superset reaches the marts: the authority on the database entry."""

from __future__ import annotations

from typing import Any

from ecommerce_pipeline.dashboards.places import Places
from ecommerce_pipeline.settings import Settings

TRINO_USER = "superset"  # who may ask in the name of whoever signed in, by trino/rules.json
READ_ONLY = {"expose_in_sqllab": True, "allow_run_async": False, "allow_ctas": False, "allow_cvas": False,
             "allow_dml": False, "allow_file_upload": False}  # fmt: skip


def database(settings: Settings) -> dict[str, Any]:
    """What the database's file says of the connection; no secret is in it: Superset adds that when it connects."""
    on_stack = settings.profile == "stack"
    lake = f"{TRINO_USER}@{settings.trino_host}:{settings.trino_port}/lake"
    return {
        "sqlalchemy_uri": f"trino://{lake}" if on_stack else f"duckdb:///{Places.of(settings).lake}",
        "cache_timeout": None,
        "impersonate_user": on_stack,
        **READ_ONLY,
        "extra": {"allows_virtual_table_explore": True, "metadata_params": {}, "engine_params": {}},
    }
