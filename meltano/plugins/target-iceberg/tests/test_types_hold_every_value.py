"""Property-based: any value a column's type can hold crosses the pipe and the lake unchanged.

Any it cannot is rejected, not bent.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from target_iceberg.batches import BatchRows
from target_iceberg.decode import Lines, RecordDecoder
from target_iceberg.errors import LoadError
from target_iceberg.salvage import salvage
from target_iceberg.singer_types import arrow_type


def decode(schema, json_values):
    lines = [b'{"type":"RECORD","stream":"s","record":{"v":%s}}' % value.encode() for value in json_values]
    bad = []
    decoder = RecordDecoder({"v": schema})
    tables = list(salvage(Lines(lines), decoder.table, lambda row, _: bad.append(lines.index(row.lines[0]))))
    return [value for table in tables for value in table["v"].to_pylist()], len(bad)


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**10) + 1, max_value=10**10 - 1)
    )
)
@settings(max_examples=50, deadline=None)
def test_decimals_are_exact(values):
    schema = {"type": "number", "x-iceberg-type": "decimal(12,2)"}
    assert decode(schema, [str(value) for value in values]) == (values, 0)
    assert decode(schema, [f'"{value}"' for value in values]) == (values, 0)


@given(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(0, 38))
@settings(max_examples=100, deadline=None)
def test_the_widest_decimals_are_exact(digits, scale):
    value = Decimal((int(digits < 0), tuple(map(int, str(abs(digits)))), -scale))
    found, bad = decode({"type": "number", "x-iceberg-type": f"decimal(38,{scale})"}, [f"{value:f}"])
    assert (found, bad) == ([value], 0)


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=5)))
@settings(max_examples=50, deadline=None)
def test_a_decimal_that_does_not_fit_is_rejected_never_rounded(values):
    fits = [v for v in values if v == v.quantize(Decimal("0.01")) and abs(v) < 10**10]
    found, bad = decode({"type": "number", "x-iceberg-type": "decimal(12,2)"}, [str(value) for value in values])
    assert found == fits
    assert bad == len(values) - len(fits)


@given(
    st.lists(
        st.datetimes(
            timezones=st.timezones() | st.none(),
            min_value=datetime.fromisoformat("0001-01-03"),
            max_value=datetime.fromisoformat("9999-12-29"),
        )
    )
)
@settings(max_examples=50, deadline=None)
def test_points_in_time_keep_their_microseconds_whatever_their_zone(values):
    from datetime import UTC

    texts = [
        json.dumps(value.isoformat())
        for value in values
        if value.utcoffset() is None or not value.utcoffset().microseconds
    ]
    kept = [v for v in values if v.utcoffset() is None or not v.utcoffset().microseconds]
    utc = [
        v.replace(tzinfo=UTC) if v.tzinfo is None else datetime.fromisoformat(v.isoformat()).astimezone(UTC)
        for v in kept
    ]
    assert decode({"type": "string", "format": "date-time"}, texts) == (utc, 0)
    plain = [value.replace(tzinfo=None) for value in utc]
    assert decode({"type": "string", "x-iceberg-type": "timestamp"}, texts) == (plain, 0)


@given(st.lists(st.integers(-(2**70), 2**70)), st.sampled_from([("int", 31), ("long", 63)]))
@settings(max_examples=50, deadline=None)
def test_integers_fit_or_are_rejected(values, kind):
    name, bits = kind
    fits = [value for value in values if -(2**bits) <= value < 2**bits]
    found, bad = decode({"type": "integer", "x-iceberg-type": name}, [str(value) for value in values])
    assert (found, bad) == (fits, len(values) - len(fits))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.lists(st.dates()))
@settings(max_examples=50, deadline=None)
def test_text_and_dates_come_as_they_are(texts, dates):
    assert decode({"type": "string"}, [json.dumps(text) for text in texts]) == (texts, 0)
    assert decode({"type": "string", "format": "date"}, [f'"{day}"' for day in dates]) == (dates, 0)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    )
)
@settings(max_examples=50, deadline=None)
def test_undeclared_json_is_kept_as_its_text(value):
    (found,), bad = decode({"type": ["object", "array", "null"]}, [json.dumps(value)])
    assert bad == 0
    assert (None if found is None else json.loads(found)) == value


@given(st.lists(st.booleans(), max_size=200))
@settings(max_examples=50, deadline=None)
def test_salvage_keeps_every_good_row_in_order_and_rejects_every_bad_one(good):
    rows = BatchRows(pa.table({"v": [str(i) if ok else "x" for i, ok in enumerate(good)]}))
    bad = []
    tables = salvage(
        rows, lambda part: pa.table({"v": part.table["v"].cast(pa.int64())}), lambda row, _: bad.append(row)
    )
    kept = [value for table in tables for value in table["v"].to_pylist()]
    assert kept == [i for i, ok in enumerate(good) if ok]
    assert len(bad) == good.count(False)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, pa.int64()),
        ({"type": ["null", "number"]}, pa.float64()),
        ({"type": "number", "multipleOf": 0.01}, pa.decimal128(38, 2)),
        ({"type": ["string", "null"], "format": "time"}, pa.time64("us")),
        ({"anyOf": [{"type": "null"}, {"type": "string", "format": "date-time"}]}, pa.timestamp("us", "UTC")),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, pa.string()),
        ({}, pa.string()),
        ({"type": "integer", "x-iceberg-type": "timestamp"}, pa.timestamp("us")),
    ],
)
def test_json_schema_maps_to_a_type(schema, expected):
    assert arrow_type(schema) == expected


@pytest.mark.parametrize("annotation", ["decimal(39,2)", "decimal(4,5)", "varchar", "decimal"])
def test_an_annotation_that_is_no_type_is_refused_with_those_that_are(annotation):
    with pytest.raises(LoadError, match=r"Next: use one of"):
        arrow_type({"x-iceberg-type": annotation})


@given(st.lists(st.times()))
@settings(max_examples=50, deadline=None)
def test_times_of_day_are_exact_and_others_rejected(values):
    texts = [*(json.dumps(value.isoformat()) for value in values), '"24:00:00"', '"noon"']
    assert decode({"type": "string", "format": "time"}, texts) == (values, 2)
