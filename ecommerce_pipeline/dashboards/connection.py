"""How Superset reaches the marts: the authority on the database entry."""

from __future__ import annotations

from typing import Any

from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.places import Places
from ecommerce_pipeline.settings import Settings

READ_ONLY = {"expose_in_sqllab": True, "allow_run_async": False, "allow_ctas": False, "allow_cvas": False,
             "allow_dml": False, "allow_file_upload": False}  # fmt: skip


def database(settings: Settings) -> dict[str, Any]:
    """What the database's file says of the connection; raises DashboardsError on the stack, which has none yet."""
    if settings.profile != "embedded":
        raise DashboardsError(
            "the dashboards read the embedded lake only, so far. Next: SHOPSPHERE_PROFILE=embedded, or connect a "
            "Superset of your own to Trino as the user `analyst`"
        )
    return {
        "sqlalchemy_uri": f"duckdb:///{Places.of(settings).lake}",
        "cache_timeout": None,
        "impersonate_user": False,
        **READ_ONLY,
        "extra": {"allows_virtual_table_explore": True, "metadata_params": {}, "engine_params": {}},
    }
