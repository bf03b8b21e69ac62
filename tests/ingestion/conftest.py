"""A small company of files in a folder of its own, and a lake for it: what Meltano extracts here is a few rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from ecommerce_pipeline.ingestion.assets import raw_assets
from ecommerce_pipeline.settings import Settings

HEADER = "household_id,age,income,home_ownership,marital_status,household_size,household_comp,kids_count\n"
NOWHERE = "postgresql://meltano:secret@127.0.0.1:1/shop"


def event(number: int, **more: object) -> str:
    fields = {
        "event_id": f"e{number}",
        "user_id": number,
        "event_type": "view",
        "timestamp": "2017-12-15T13:05:11.123Z",
    }
    return json.dumps({**fields, "properties": {"n": number}, **more}) + "\n"


def make_settings(home: Path) -> Settings:
    (home / "events" / "2017-12-15").mkdir(parents=True)
    (home / "crm").mkdir()
    return Settings(
        home=home / "var",
        web_events_path=str(home / "events"),
        crm_path=str(home / "crm"),
        shop_url=NOWHERE,
        catalog_url=NOWHERE,
        hubspot_url="http://127.0.0.1:1",
        hubspot_token="pat-secret",
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


def materialize(settings: Settings, *addresses: str) -> dg.ExecuteInProcessResult:
    """Materialise the raw tables with these addresses."""
    keys = [dg.AssetKey(address.split(".")) for address in addresses]
    return dg.materialize(raw_assets(settings), selection=keys, raise_on_error=False)


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, object]]:
    """By address, what each materialisation says."""
    found = [event.materialization for event in result.get_asset_materialization_events()]
    return {".".join(one.asset_key.path): {name: item.value for name, item in one.metadata.items()} for one in found}


def failure(result: dg.ExecuteInProcessResult) -> str:
    """The text of the one failed step."""
    (failed,) = [event.event_specific_data for event in result.all_events if event.is_step_failure]
    return failed.user_failure_data.description if failed.user_failure_data else failed.error.message


Rows = Callable[..., list[dict[str, object]]]


def rows(settings: Settings, address: str) -> list[dict[str, object]]:
    """All rows of a table of the lake."""
    from ecommerce_pipeline.lakehouse.catalog import open_catalog

    return open_catalog(settings).load_table(tuple(address.split("."))).scan().to_arrow().to_pylist()
