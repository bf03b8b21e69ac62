"""How far behind a bookmark a run looks, and which of two is later: by the column's type, whatever JSON made of it."""

from __future__ import annotations

import pyarrow as pa
import pytest
from tap_sql.errors import TapError
from tap_sql.log_values import says_the_same
from tap_sql.model import Column
from tap_sql.overlap import behind, later
from tap_sql.settings import parse_settings

KINDS = {
    "int": pa.int32(),
    "decimal(20,0)": pa.decimal128(20, 0),
    "decimal(12,2)": pa.decimal128(12, 2),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
    "time": pa.time64("us"),
    "string": pa.string(),
}


def column(kind):
    return Column("k", kind, {"x-iceberg-type": kind}, "k", KINDS[kind])


@pytest.mark.parametrize(
    ("kind", "earlier", "after"),
    [
        ("int", 9, 10),
        ("decimal(20,0)", "9", "18446744073709551615"),
        ("decimal(12,2)", "-10.25", "-9.5"),
        ("double", 9.5, 10),
        ("date", "2017-12-14", "2017-12-15"),
        ("timestamp", "2017-12-14T10:00:00", "2017-12-14T10:00:00.5"),
        ("timestamptz", "2017-12-14T10:00:00+00:00", "2017-12-14T10:00:00.500000+00:00"),
        ("time", "09:00:00", "09:00:00.500000"),
        ("string", "a", "b"),
    ],
)
def test_the_later_of_two_bookmarks(kind, earlier, after):
    assert later(column(kind), after, earlier)
    assert not later(column(kind), earlier, after)
    assert not later(column(kind), after, after)


@pytest.mark.parametrize(
    ("kind", "value", "since"),
    [
        ("int", 100, 90),
        ("decimal(20,0)", "18446744073709551615", 18446744073709551605),
        ("decimal(12,2)", "-1.50", -12),
        ("double", 1000.5, 990),
        ("date", "2017-12-14", "2017-12-13"),
        ("timestamp", "2017-12-14T10:00:00", "2017-12-14T09:59:00"),
        ("timestamptz", "2017-12-14T10:00:00+00:00", "2017-12-14T09:59:00+00:00"),
    ],
)
def test_what_lies_behind_a_bookmark(kind, value, since):
    settings = parse_settings({"url": "mysql://h/d", "overlap_seconds": 60, "overlap_keys": 10})
    assert behind(column(kind), value, settings) == since


@pytest.mark.parametrize("kind", ["time", "string"])
def test_behind_other_bookmarks_nothing_can_be_told(kind):
    with pytest.raises(TapError, match=f"replication-key k is {kind}.* Next: set replication-key to a number"):
        behind(column(kind), "a", parse_settings({"url": "mysql://h/d"}))


def test_text_that_means_the_same_under_two_types_is_no_change():
    bool_, bytea, int4, int8, text, varchar, numeric, stamp, stamptz = 16, 17, 23, 20, 25, 1043, 1700, 1114, 1184
    assert all(says_the_same(*pair) for pair in ((int4, int8), (int8, int4), (int4, numeric), (int4, text)))
    assert all(says_the_same(*pair) for pair in ((text, varchar), (numeric, text), (bytea, bytea)))
    assert not any(says_the_same(*pair) for pair in ((text, bool_), (bool_, text), (text, bytea), (bytea, text)))
    assert not any(says_the_same(*pair) for pair in ((stamp, stamptz), (numeric, int4), (text, int4)))
