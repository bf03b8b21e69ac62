"""Upkeep after ninety days of small loads and merges: files, bytes, metadata and query time, before and after.

usage: python -m benchmarks.upkeep
Makes a lake of its own in a temporary folder: a raw table that gets a load every twelve hours, and a fact that a day's
merge corrects and extends, written as the target and dbt write them. Takes some minutes; writes
docs/benchmarks/upkeep.md.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
from target_iceberg.commit import TABLE_PROPERTIES

from benchmarks.measuring import ROOT, machine
from ecommerce_pipeline.lakehouse import contents, orphans, reader, upkeep
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.compaction import Policy
from ecommerce_pipeline.lakehouse.duckdb_plugin import add_functions
from ecommerce_pipeline.lakehouse.duckdb_session import CONFIG, attach
from ecommerce_pipeline.lakehouse.pointers import Name
from ecommerce_pipeline.lakehouse.rest_door import serve
from ecommerce_pipeline.settings import Settings

DAYS, LOADS, ROWS = 90, 2, 750
REWRITE_AFTER = 40  # dbt/macros/materializations/incremental.sql
RAW, FACT = "raw_shop.orders", "core.fct_orders"
END = DAYS * LOADS  # later loads measure loading, not reading
ASKS = {
    "all of the raw log": f"select count(*), sum(total), max(customer_id) from {RAW} where _sdc_commit_seq < {END}",
    "its last day": f"select count(*), sum(total) from {RAW} where _sdc_commit_seq between {END - LOADS} and {END - 1}",
    "the fact by customer": f"select count(*), sum(total) from {FACT} where customer_id < 100",
}
TRIES = 7


class Lake(NamedTuple):
    """What stands in the warehouse, and how long it takes to ask it: seconds, a connection of its own each."""

    files: int
    bytes: int
    metadata_files: int
    metadata_bytes: int
    data_files: int
    manifests: int
    snapshots: int
    pointer_bytes: int
    seconds: dict[str, float]
    load: float
    answers: dict[str, Any]


def main() -> None:
    """Live the days, look, keep house, look again, write the page."""
    home = Path(tempfile.mkdtemp(prefix="benchmark-upkeep-"))
    settings = Settings(_env_file=None, home=home)  # type: ignore[call-arg]
    try:
        lived = timed(lambda: live(settings))
        before = look(settings)
        spent, lines = keep_house(settings)
        after = look(settings)
        if before.answers != after.answers:
            raise RuntimeError(f"upkeep changed what the tables hold: {before.answers} is now {after.answers}")
        page(before, after, lived, spent, lines)
    finally:
        shutil.rmtree(home)


def live(settings: Settings) -> None:
    """Ninety days: loads into the log, and at the end of each day a merge into the fact."""
    dice = random.Random(7)
    with open_catalog(settings) as catalog:
        catalog.create_namespace("raw_shop")
        log = catalog.create_table(RAW, day(dice, 0, 0).schema, properties=TABLE_PROPERTIES)
        with serve(catalog) as door, duckdb.connect(":memory:", config=CONFIG) as session:
            attach(session, door)
            add_functions(session, door)
            session.execute("create schema if not exists lake.core")
            for number in range(DAYS):
                for load in range(LOADS):
                    log.append(day(dice, number, load))
                merge(session, number)


def day(dice: random.Random, number: int, load: int) -> pa.Table:
    """One load's rows: new orders, and a tenth of them late versions of earlier ones."""
    seq = number * LOADS + load
    ids = [seq * ROWS + row if row % 10 else dice.randrange(seq * ROWS + 1) for row in range(ROWS)]
    return pa.table(
        {
            "order_id": pa.array(ids, pa.int64()),
            "customer_id": pa.array([dice.randrange(2000) for _ in ids], pa.int64()),
            "total": pa.array([dice.randrange(100_000) for _ in ids], pa.int64()),
            "_sdc_commit_seq": pa.array([seq] * ROWS, pa.int64()),
        }
    )


def merge(session: duckdb.DuckDBPyConnection, number: int) -> None:
    """What dbt's incremental model does in a day, its own rewriting included."""
    latest = f"""
        select order_id, customer_id, total from lake.{RAW} where _sdc_commit_seq >= {number * LOADS}
        qualify row_number() over (partition by order_id order by _sdc_commit_seq desc) = 1
    """
    if number == 0:
        session.execute(f"create table lake.{FACT} as {latest}")
        return
    session.execute(f"create or replace temp table fresh as {latest}")
    session.execute(
        f"merge into lake.{FACT} as held using fresh on held.order_id = fresh.order_id "
        "when matched then update set customer_id = fresh.customer_id, total = fresh.total "
        "when not matched then insert by name"
    )
    [(fragments,)] = session.execute("select lake_fragments('core', 'fct_orders')").fetchall()
    if fragments > REWRITE_AFTER:
        session.execute(f"create table lake.{FACT}__dbt_tmp as select * from lake.{FACT}")
        session.execute("select lake_replace('core', 'fct_orders__dbt_tmp', 'fct_orders')")


def keep_house(settings: Settings) -> tuple[float, list[str]]:
    """Upkeep as of the last day, and its sweep a day later, when nobody can be on what was given up."""
    week = Policy(keep_days=7, keep_last=7 * LOADS)
    policies = {Name("raw_shop", "orders"): week, Name("core", "fct_orders"): week._replace(keep_last=7)}
    for path in warehouse(settings).rglob("*"):
        os.utime(path, (time.time() - 86_400 * 2,) * 2)
    said = []

    def work() -> None:
        said.append(f"put together: {[tuple(map(str, one)) for one in upkeep.compact(settings, policies)]}")
        later = datetime.now(UTC) + timedelta(days=8)  # the snapshots were all made within these minutes
        said.append(
            f"expired: {[tuple(map(str, one)) for one in upkeep.expire(settings, policies=policies, now=later)]}"
        )
        said.append(f"swept: {orphans.sweep(settings, timedelta(0))}")

    return timed(work), said


def look(settings: Settings) -> Lake:
    """Count what stands there and ask the questions."""
    found = [path for path in warehouse(settings).rglob("*") if path.is_file()]
    metadata = [path for path in found if path.parent.name == "metadata"]
    with open_catalog(settings) as catalog:
        tables = [catalog.load_table(name) for name in (RAW, FACT)]
    manifests = sum(len(table.current_snapshot().manifests(table.io)) for table in tables)  # type: ignore[union-attr]
    pointers = [Path(table.metadata_location.removeprefix("file://")) for table in tables]
    seconds, answers = {}, {}
    for name, sql in ASKS.items():
        times = []
        for _ in range(TRIES):
            start = time.monotonic()
            with reader.connect(settings) as connection:
                answers[name] = connection.execute(sql).fetchall()
            times.append(time.monotonic() - start)
        seconds[name] = median(times)
    dice = random.Random(8)
    load = median(timed(partial(add, settings, day(dice, DAYS, number))) for number in range(3))
    return Lake(
        len(found),
        sum(path.stat().st_size for path in found),
        len(metadata),
        sum(path.stat().st_size for path in metadata),
        sum(contents.of_metadata(table.metadata, table.io).files for table in tables),
        manifests,
        sum(len(table.metadata.snapshots) for table in tables),
        sum(path.stat().st_size for path in pointers),
        seconds,
        load,
        answers,
    )


def add(settings: Settings, rows: pa.Table) -> None:
    """One more load, as a run makes it: the table is opened for it."""
    with open_catalog(settings) as catalog:
        catalog.load_table(RAW).append(rows)


def warehouse(settings: Settings) -> Path:
    """The folder of the tables."""
    return Path(settings.warehouse.removeprefix("file://"))


def timed(work: Callable[[], None]) -> float:
    """Seconds that it takes."""
    start = time.monotonic()
    work()
    return time.monotonic() - start


def page(before: Lake, after: Lake, lived: float, spent: float, lines: list[str]) -> None:
    """docs/benchmarks/upkeep.md."""
    rows = [
        ("files in the warehouse", before.files, after.files),
        ("bytes in the warehouse", before.bytes, after.bytes),
        ("metadata files", before.metadata_files, after.metadata_files),
        ("bytes of metadata", before.metadata_bytes, after.metadata_bytes),
        ("files a scan of both tables reads", before.data_files, after.data_files),
        ("manifests it opens first", before.manifests, after.manifests),
        ("snapshots kept", before.snapshots, after.snapshots),
        ("bytes of the two current metadata files", before.pointer_bytes, after.pointer_bytes),
    ]
    table = [f"| {name} | {old:,} | {new:,} | {old / new:.1f} |" for name, old, new in rows]
    table += [
        f"| {name}, ms | {before.seconds[name] * 1000:,.0f} | {after.seconds[name] * 1000:,.0f} "
        f"| {before.seconds[name] / after.seconds[name]:.1f} |"
        for name in ASKS
    ]
    loads = f"| {before.load * 1000:,.0f} | {after.load * 1000:,.0f} | {before.load / after.load:.1f} |"
    table.append(f"| one more load of {ROWS} rows, ms {loads}")
    text = f"""# Upkeep after ninety days

{machine()}

A lake of its own: `{RAW}` gets {LOADS} loads a day of {ROWS} rows, `{FACT}` a merge a day that changes a tenth
and adds the rest, rewritten by dbt's rule every {REWRITE_AFTER} fragments. {DAYS} days without upkeep, then once what
`shopsphere upkeep --apply` does, a week of snapshots kept, and its sweep a day later. Each question is asked
{TRIES} times by a connection of its own, the median counts; the answers are the same before and after, or there is no
page. A load costs more with every snapshot that a table keeps: PyIceberg copies the metadata as it builds a commit.

| | before | after | ratio |
|---|---|---|---|
{chr(10).join(table)}

Upkeep took {spent:.1f} s; living the days {lived:.0f} s. What it said:

```
{chr(10).join(lines)}
```

Run it: `.venv/bin/python -m benchmarks.upkeep`.
"""
    (ROOT / "docs" / "benchmarks" / "upkeep.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
