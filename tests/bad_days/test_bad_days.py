"""What goes wrong on bad days is said once, with thing, place and next step, and no table is the worse for it.

Several misfortunes share one command where they strike different sources: each must be told apart in one run.
"""

import shutil
import sys
from pathlib import Path

import pytest

from ecommerce_pipeline.settings import Settings
from tests.bad_days import machine
from tests.bad_days.conftest import EVERYTHING, HOUSEHOLDS

FAILED, MISUSED, UNFIT = 1, 2, 3


def the_message(said, step, *words):
    """The one line about a failed step; it names all the words and what to do next."""
    found = [line for line in said.err.splitlines() if line.startswith(f"{step}: ")]
    assert len(found) == 1, said.err
    for word in (*words, "Next: "):
        assert word in found[0], found[0]
    return found[0]


@pytest.fixture(scope="session")
def bad_sources(first_load, server):
    """One run in which four sources are out of order, each in its own way."""
    lake, _ = first_load
    before = lake.pointers()
    torn = Path(lake.values["web_events_path"]) / "2024-04-01" / "09.jsonl"
    torn.write_bytes(b'{"event_id": "e-90", "user_\n\x00\x01\xff garbage\n{"event_id"\n')
    export = Path(lake.values["crm_path"]) / "demographics.csv"
    good = export.read_bytes()
    export.write_bytes(HOUSEHOLDS.encode()[:40] + b"\n1,35-44")
    said = lake.shopsphere(
        "materialize",
        EVERYTHING,
        shop_url=server.url.replace(server.password, "hunter2"),
        catalog_url=server.untouchable(),
    )
    torn.unlink()
    export.write_bytes(good)
    assert lake.pointers() == before
    return said


def test_a_run_in_which_sources_fail_says_so_with_its_exit_code(bad_sources):
    assert bad_sources.code == FAILED
    assert len(bad_sources.lines("Next: `shopsphere doctor`")) == 1


def test_a_wrong_password_is_named_without_being_shown(bad_sources):
    the_message(bad_sources, "tap_shop", "password authentication failed", "reader@127.0.0.1:", "/shop")


def test_a_source_that_cannot_be_reached_is_tried_again_and_then_named(bad_sources):
    the_message(bad_sources, "tap_catalog", "127.0.0.1:1/shop", "Connection refused")
    assert len(bad_sources.lines("↻ tap_catalog")) == 2


def test_a_corrupt_file_is_refused_with_its_place_and_line(bad_sources):
    the_message(bad_sources, "tap_web", "2024-04-01/09.jsonl:1", "3 of 3 rows were rejected", "raw_web.events")


def test_a_truncated_file_is_refused_with_what_is_missing(bad_sources):
    the_message(bad_sources, "tap_crm", "demographics.csv", "has no column", "household_size")


def test_a_table_without_a_primary_key_is_loaded_and_its_consequence_told(first_load):
    _, said = first_load
    assert said.code == 0
    [line] = said.lines("shop-refunds", "no primary key")
    assert "Next: " in line


def test_a_changed_type_and_a_second_writer_each_stop_their_own_stream(lake, server):
    from ecommerce_pipeline.lakehouse import database, lease

    settings = Settings(home=lake.home)
    server.run("alter table shop.orders alter column total type text using total || ' euros'")
    try:
        with lease.hold(settings, ["table:raw_catalog.stores"], "run 4711 of somebody else"):
            said = lake.shopsphere("materialize", "raw_shop.orders, raw_catalog.stores")
    finally:
        database.forget(settings)
        server.run(
            "alter table shop.orders alter column total type numeric(12, 2) using split_part(total, ' ', 1)::numeric"
        )
    assert said.code == FAILED
    the_message(
        said, "tap_shop", "raw_shop.orders", "'total'", "decimal128(12, 2) in the table and string in the source"
    )
    the_message(said, "tap_catalog", "raw_catalog.stores is being written by run 4711 of somebody else", "pid ")


@pytest.mark.skipif(sys.platform != "linux", reason="a disk for one command needs Linux's mount namespaces")
@pytest.mark.parametrize("where", ["stage", "lake/warehouse", "."])
def test_a_full_disk_is_named_with_its_place(lake, server, tmp_path, where):
    server.run("insert into shop.orders values (nextval('shop.full_disk'), 1, now() at time zone 'utc')")
    said = lake.under(*machine.full_disk(lake.home / where, tmp_path / "aside")).shopsphere(
        "materialize", "raw_shop.orders"
    )
    assert said.code in (FAILED, UNFIT)
    found = said.lines("Next: ", str(lake.home))  # it may be the target that meets it first, or the record of runs
    assert len(found) == 1, said.err
    [line] = found
    assert "No space left on device" in line or "the disk is full" in line, said.err
    assert [path for path in (lake.home / "lake" / "warehouse").rglob("*.parquet") if path.stat().st_size == 0] == []


def test_a_catalog_that_is_no_database_is_named_and_left_alone(tmp_path, lake):
    catalog = tmp_path / "home" / "lake" / "catalog.db"
    catalog.parent.mkdir(parents=True)
    catalog.write_bytes(b"this is a shopping list, not a database\n" * 100)
    wrong = type(lake)(tmp_path / "home", lake.values, lake.password)
    said = wrong.shopsphere("tables")
    assert said.code == UNFIT
    assert len(said.lines(str(catalog), "not a database", "Next: ")) == 1
    assert said.out == ""
    assert catalog.read_bytes() == b"this is a shopping list, not a database\n" * 100


def test_a_moved_clone_is_told_where_its_lake_was_written(lake, tmp_path):
    moved = lake.copied(tmp_path / "elsewhere")
    before = moved.pointers()
    for arguments, code in ((["tables"], UNFIT), (["materialize", "raw_crm.demographics"], UNFIT)):
        said = moved.shopsphere(*arguments)
        assert said.code == code, said.err
        assert len(said.lines(str(lake.home / "lake"), str(moved.home / "lake"), "Next: ")) == 1, said.err
    assert moved.pointers() == before
    shutil.rmtree(moved.home)


def test_an_unknown_profile_is_one_line(lake):
    said = lake.shopsphere("materialize", profile="cloud")
    assert said.code == UNFIT
    [line] = said.err.strip().splitlines()
    for word in ("SHOPSPHERE_PROFILE", "'cloud'", "'embedded'", "Next: "):
        assert word in line


def test_an_unknown_selection_is_misuse_and_what_comes_near_is_shown(lake):
    said = lake.shopsphere("materialize", "raw_shop.ordes")
    assert said.code == MISUSED
    assert len(said.lines("'raw_shop.ordes'", "raw_shop.orders")) == 1


def test_a_missing_package_is_named_where_it_is_missed_and_by_the_doctor(lake, tmp_path):
    missing = lake.under(*machine.without_package("duckdb-extension-iceberg", tmp_path / "site"))
    said = missing.shopsphere("query", "select 1")
    assert said.code == UNFIT
    assert len(said.lines("duckdb-extension-iceberg", "Next: `make setup`")) == 1
    examined = missing.shopsphere("doctor")
    assert examined.code == UNFIT
    assert "duckdb-extension-iceberg missing" in examined.out
    other = lake.under(*machine.without_package("dagster", tmp_path / "other")).shopsphere("runs")
    assert other.code == UNFIT
    assert len(other.lines("'dagster'", "not installed", "Next: `make setup`")) == 1
