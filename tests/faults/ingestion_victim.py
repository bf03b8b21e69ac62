"""Materialises raw tables of `tap-shop` in this process, as a run worker of Dagster does, to be killed.

usage: python -m tests.faults.ingestion_victim ADDRESS …; exit code 1 if the run fails.
"""

from __future__ import annotations

import sys

import dagster as dg

from ecommerce_pipeline.ingestion.assets import raw_assets
from ecommerce_pipeline.settings import get_settings


def main(addresses: list[str]) -> None:
    keys = [dg.AssetKey(address.split(".")) for address in addresses]
    result = dg.materialize(raw_assets(get_settings()), selection=keys, raise_on_error=False)
    sys.exit(not result.success)


if __name__ == "__main__":
    main(sys.argv[1:])
