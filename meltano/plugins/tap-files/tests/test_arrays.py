"""Times read a column at a time are the times that are read one by one, or nothing is read."""

from __future__ import annotations

import datetime as dt

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_files.arrays import instants

parts = st.sampled_from(["2017-12-15", "0001-01-01", "0000-12-31", "9999-12-31", "2017-02-30", "17-2-3"])
separators, fractions = (
    st.sampled_from(["T", "t", " ", ""]),
    st.sampled_from(["", ".", ".1", ".123456", ".1234567", ","]),
)
clocks = st.sampled_from(["13:05:11", "00:00:00", "23:59:60", "24:00:00", "13:05", "13", "130511"])
zones = st.sampled_from(["", "Z", "z", "+00:00", "+02:00", "-0330", "+02", " UTC"])
texts = st.tuples(parts, separators, clocks, fractions, zones).map("".join)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.none() | texts, min_size=1, max_size=3), st.booleans())
def test_whatever_the_notation_it_is_the_strict_parsers_time_or_none(values, zoned):
    found = instants(values, zoned=zoned)
    if found is None:
        return
    kind = pa.timestamp("us", "UTC" if zoned else None)
    strictly = [None if value is None else msgspec.convert(value, dt.datetime, strict=False) for value in values]
    assert found.to_pylist() == pa.array(strictly, kind).to_pylist()


@pytest.mark.parametrize("text", ["2017-12-15T13:05:11.123Z", "2017-12-15T13:05:11Z", "2017-12-15 13:05:11"])
def test_the_usual_notations_are_read_at_once(text):
    assert instants([text, None], zoned=True).to_pylist()[0].isoformat().startswith("2017-12-15T13:05:11")
