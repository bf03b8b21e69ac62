"""connectorx → PyIceberg as one would write it by hand: the whole table into memory, the same columns, one append.

usage: python -m benchmarks.peers.by_hand URL FOLDER. No bookmark, no evolution, no rejects: the speed nothing exact
should fall far below.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime

import connectorx
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

QUERY = "select * from shop.order_items"


def main(url: str, folder: str) -> None:
    """Time from the query to the commit; imports and catalog are not counted."""
    catalog = SqlCatalog("lake", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace_if_not_exists("raw_shop")
    start = time.monotonic()
    rows = stamped(exact(connectorx.read_sql(url, QUERY, return_type="arrow")))
    catalog.create_table("raw_shop.order_items", schema=rows.schema).append(rows)
    sys.stdout.write(json.dumps({"rows": rows.num_rows, "seconds": time.monotonic() - start}) + "\n")


def exact(rows: pa.Table) -> pa.Table:
    """connectorx gives every numeric 38 digits and 10 decimals: back to those the source declares."""
    fields = [pa.field(f.name, pa.decimal128(12, 2) if pa.types.is_decimal(f.type) else f.type) for f in rows.schema]
    return rows.cast(pa.schema(fields))


def stamped(rows: pa.Table) -> pa.Table:
    """The loader's columns."""
    count, now = rows.num_rows, datetime.now(UTC).replace(tzinfo=None)
    moment = pa.repeat(pa.scalar(now, pa.timestamp("us")), count)
    for name, column in (
        ("_sdc_commit_seq", pa.repeat(pa.scalar(1, pa.int64()), count)),
        ("_sdc_sequence", pa.array(range(count), pa.int64())),
        ("_sdc_extracted_at", moment),
        ("_sdc_batched_at", moment),
        ("_sdc_deleted_at", pa.nulls(count, pa.timestamp("us"))),
        ("_sdc_run_id", pa.repeat(pa.scalar("benchmark"), count)),
    ):
        rows = rows.append_column(name, column)
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:3])
