"""Changes a second from PostgreSQL's log into Iceberg: tap and target as processes, one slot, three tables.

usage: python -m benchmarks.ingestion_log [changes] (default 500,000). Writes docs/benchmarks/change-data-capture.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table
from tap_sql.engines import engine_for
from tap_sql.settings import parse_settings
from tap_sql.testing import ThrowawayPostgres, throwaway_postgres

from benchmarks.ingestion import moment
from benchmarks.measuring import ROOT, Measured, machine, run

PAGE = ROOT / "docs/benchmarks/change-data-capture.md"
FLOOR, AIM = 15_000, 25_000
TABLES = ("order_items", "orders", "payments")
TABLE = """
create table shop.{name} (id bigint primary key, product_id bigint, quantity int, sales_value numeric(12,2),
  retail_disc numeric(12,2), coupon_disc numeric(12,2), status varchar(20), created_at timestamp(6),
  updated_at timestamp(6));
insert into shop.{name} select i, hashint4(i)::bigint + 3e9, 1 + i % 5, (i::bigint * 7919 % 100000) / 100.0,
  (i % 1000) / 100.0, 0, 'placed', timestamp '2017-01-01' + i * interval '31 seconds',
  timestamp '2017-01-02' + i * interval '31 seconds' from generate_series(1, 200000) i;
"""
# six updates, two inserts and two deletes in every ten changes, a hundred changes a transaction
CHANGES = """
do $$ declare t text; low bigint; begin
  for i in 0..{transactions} - 1 loop
    t := (array['order_items', 'orders', 'payments'])[1 + i % 3];
    low := i * 60 % 120000;
    execute format('update shop.%I set quantity = quantity + 1, updated_at = clock_timestamp()
      where id > %s and id <= %s', t, low, low + 60);
    execute format('insert into shop.%I select 1000000 + %s * 20 + i, i, 1, 9.99, 0, 0, ''new'', now(), now()
      from generate_series(1, 20) i', t, i);
    execute format('delete from shop.%I where id > %s and id <= %s', t, 1000000 + i * 20 - 60, 1000000 + i * 20 - 40);
    commit;
  end loop;
end $$
"""


def main(changes: int = 500_000) -> None:
    """Read the tables whole, change them, read the log; exits 1 if the floor is missed."""
    with throwaway_postgres() as server, tempfile.TemporaryDirectory(prefix="bench-log-") as scratch:
        folder, load = Path(scratch), machine()
        for name in TABLES:
            server.execute(TABLE.format(name=name))
        server.execute("create publication tap_sql for tables in schema shop")
        configure(server, folder)
        pipe(folder, state={})
        server.execute(CHANGES.format(transactions=changes // 100))
        measured = pipe(folder, state=bookmarks(folder))
        rows = logged_rows(folder)
    seconds = (
        moment(measured.stderr, "log: .* changes sent") - moment(measured.stderr, "slot tap_sql")
    ).total_seconds()
    to_commit = (last_commit(measured) - moment(measured.stderr, "slot tap_sql")).total_seconds()
    page = report(rows, seconds, to_commit, measured, load)
    PAGE.write_text(page)
    print(page)
    if rows / to_commit < FLOOR:
        sys.exit(f"below the floor of {FLOOR:,} changes/s")


def configure(server: ThrowawayPostgres, folder: Path) -> None:
    """The files that the two commands are given."""
    tap = {"url": server.reader_url, "schemas": ["shop"], "stage_dir": str(folder / "stage")}
    with engine_for(parse_settings(tap)).connect() as session:
        streams = [table.stream for table in session.tables()]
    metadata = [{"breadcrumb": [], "metadata": {"selected": True, "replication-method": "LOG_BASED"}}]
    catalog = {"streams": [{"tap_stream_id": stream, "metadata": metadata} for stream in streams]}
    target = {"catalog_properties": lake(folder), "default_target_schema": "raw_shop"}
    for name, content in (("tap", tap), ("catalog", catalog), ("target", target)):
        (folder / f"{name}.json").write_text(json.dumps(content))


def lake(folder: Path) -> dict[str, str]:
    """Catalog properties."""
    return {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/warehouse"}


def pipe(folder: Path, state: dict[str, object]) -> Measured:
    """One run of tap and target."""
    (folder / "state.json").write_text(json.dumps(state))
    bin_, given = Path(sys.executable).parent, "--config tap.json --catalog catalog.json --state state.json"
    line = f"set -o pipefail; {bin_}/tap-sql {given} | {bin_}/target-iceberg --config target.json"
    return run(["bash", "-c", line], {"SHOPSPHERE_HOME": str(folder)}, cwd=folder)


def bookmarks(folder: Path) -> dict[str, object]:
    """The bookmarks that the tables stand at."""
    return {"bookmarks": {f"shop-{n}": json.loads(opened(folder, n).properties["singer.bookmark"]) for n in TABLES}}


def opened(folder: Path, name: str) -> Table:
    """A table of the lake."""
    return SqlCatalog("lake", **lake(folder)).load_table(f"raw_shop.{name}")


def logged_rows(folder: Path) -> int:
    """Rows that came by the log: those of each table's second commit."""
    return sum(opened(folder, n).scan(row_filter="_sdc_commit_seq = 2").to_arrow().num_rows for n in TABLES)


def last_commit(measured: Measured) -> datetime:
    """When the last table was committed."""
    committed = [line for line in measured.stderr.splitlines() if "committed" in line]
    return moment(committed[-1], "committed")


def report(rows: int, seconds: float, to_commit: float, measured: Measured, load: str) -> str:
    """The page."""
    return "\n".join([
        "# Change data capture: PostgreSQL's log → Iceberg",
        "",
        f"{rows:,} changes (six updates, two inserts, two deletes of ten) of three tables with 9 columns, in "
        f"transactions of a hundred; read in one run by `tap-sql | target-iceberg`. {load}. The server decodes its log "
        "meanwhile, on the same cores.",
        "",
        "| what | changes/s | seconds | CPU-s, tap and target | largest process MB |",
        "|---|---|---|---|---|",
        f"| read and handed over | {rows / seconds:,.0f} | {seconds:.1f} | | |",
        f"| to the last commit | {rows / to_commit:,.0f} | {to_commit:.1f} | {measured.cpu:.1f} | "
        f"{measured.peak_rss / 2**20:,.0f} |",
        "",
        f"Floor {FLOOR:,} changes/s, aim {AIM:,}. Run it: `.venv/bin/python -m benchmarks.ingestion_log`.",
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
