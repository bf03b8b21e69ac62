"""The table follows its stream by union; what cannot be followed exactly stops the run and leaves the table alone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from target_iceberg.errors import IncompatibleTypeError, LoadError

INT = {"type": ["null", "integer"], "x-iceberg-type": "int"}
LONG = {"type": ["null", "integer"], "x-iceberg-type": "long"}
TEXT = {"type": ["null", "string"]}


def narrow(precision):
    return {"type": ["null", "number"], "x-iceberg-type": f"decimal({precision},2)"}


def one_run(singer, columns, before, after, **values):
    claim = singer.start({} if before is None else {"shop-orders": {"at": before}})
    return [claim, singer.schema(**columns), singer.record(after, **values), singer.state(after)]


def test_a_new_column_is_added_and_old_rows_have_null_there(lake, singer):
    lake.load(one_run(singer, {"order_id": LONG}, None, 1))
    lake.load(one_run(singer, {"order_id": LONG, "note": TEXT}, 1, 2, note="new"))
    assert [(row["order_id"], row["note"]) for row in lake.rows()] == [(1, None), (2, "new")]


def test_a_column_that_disappears_is_null_from_then_on(lake, singer):
    lake.load(one_run(singer, {"order_id": LONG, "note": TEXT}, None, 1, note="old"))
    lake.load(one_run(singer, {"order_id": LONG}, 1, 2))
    assert [(row["order_id"], row["note"]) for row in lake.rows()] == [(1, "old"), (2, None)]


def test_types_widen_and_a_narrower_stream_still_fits(lake, singer):
    lake.load(one_run(singer, {"order_id": INT, "total": narrow(6)}, None, 1, total=1.25))
    lake.load(one_run(singer, {"order_id": LONG, "total": narrow(12)}, 1, 2**40, total=1234567890.25))
    lake.load(one_run(singer, {"order_id": INT, "total": narrow(6)}, 2**40, 3, total=3.5))
    assert [(row["order_id"], row["total"]) for row in lake.rows()] == [
        (1, Decimal("1.25")),
        (2**40, Decimal("1234567890.25")),
        (3, Decimal("3.50")),
    ]


def test_a_schema_that_changes_in_mid_stream_is_followed(lake, singer):
    first, second = {"order_id": LONG}, {"order_id": LONG, "note": TEXT}
    messages = one_run(singer, first, None, 1)[:-1]
    lake.load([*messages, singer.schema(**second), singer.record(2, note="x"), singer.state(2)])
    assert [(row["order_id"], row["note"]) for row in lake.rows()] == [(1, None), (2, "x")]
    assert lake.snapshots() == 1


def test_a_declared_struct_gains_fields(lake, singer):
    def address(**fields):
        return {"type": ["null", "object"], "x-iceberg-type": "struct", "properties": fields}

    lake.load(one_run(singer, {"order_id": LONG, "to": address(city=TEXT)}, None, 1, to={"city": "Oslo"}))
    wider = {"order_id": LONG, "to": address(city=TEXT, zip=TEXT)}
    lake.load(one_run(singer, wider, 1, 2, to={"city": "Bergen", "zip": "5003"}))
    assert [row["to"] for row in lake.rows()] == [{"city": "Oslo", "zip": None}, {"city": "Bergen", "zip": "5003"}]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (LONG, TEXT, ("int64", "string")),
        (TEXT, LONG, ("string", "int64")),
        (narrow(12), {"type": "number", "x-iceberg-type": "decimal(12,4)"}, ("12, 2", "12, 4")),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}, ("date32", "timestamp")),
    ],
)
def test_an_incompatible_change_stops_naming_table_column_types_and_next_step(lake, singer, old, new, shown):
    lake.load(one_run(singer, {"order_id": LONG, "thing": old}, None, 1))
    location = lake.catalog.load_table("raw_shop.orders").metadata_location
    with pytest.raises(IncompatibleTypeError) as caught:
        lake.load(one_run(singer, {"order_id": LONG, "thing": new}, 1, 2))
    message = str(caught.value)
    for part in ("raw_shop.orders", "'thing'", *shown, "Next:"):
        assert part in message
    assert lake.catalog.load_table("raw_shop.orders").metadata_location == location


def test_columns_that_differ_in_case_only_are_refused(lake, singer):
    with pytest.raises(LoadError, match="differ in case only"):
        lake.load(one_run(singer, {"order_id": LONG, "Note": TEXT, "note": TEXT}, None, 1))


def test_a_schema_change_is_committed_with_its_rows_or_not_at_all(lake, singer):
    lake.load(one_run(singer, {"order_id": LONG}, None, 1))
    wider = {"order_id": LONG, "note": TEXT}
    with pytest.raises(LoadError):
        lake.load([*one_run(singer, wider, 1, 2), b"broken\n"])
    assert "note" not in lake.catalog.load_table("raw_shop.orders").schema().column_names
