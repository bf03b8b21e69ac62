"""Both profiles hold the same rows: every table of every layer, to the cent and the microsecond, in any order.

Left out is what tells of a load and not of the data: the loader's columns (`_sdc_…`), commit numbers, ids of runs, and
the schema `ops`.
"""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from ecommerce_pipeline.lakehouse import reader
from shopsphere import oracle
from tests.conftest import SCALE
from tests.stack.lakes import Moment, difference

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]
RAW = {"raw_shop", "raw_catalog", "raw_hubspot", "raw_web", "raw_crm"}
LAYERS = RAW | {"seeds", "staging", "intermediate", "core", "quality"}
MARTS = {"finance", "marketing", "growth", "product", "executive", "ml"}
CENT = Decimal("0.01")
OF_A_LOAD = {"run_id", "commit_seq"}


@pytest.fixture(params=["founded", "a_day_later"])
def moment(request) -> Moment:
    return request.getfixturevalue(request.param)


def test_both_hold_the_same_tables_of_every_layer(moment):
    assert set(moment.embedded) == set(moment.stack)
    assert {address.partition(".")[0] for address in moment.stack} == LAYERS | MARTS


def test_both_give_every_column_the_same_type(moment):
    for address, rows in moment.embedded.items():
        assert types(rows) == types(moment.stack[address]), address


def test_both_hold_the_same_rows(moment):
    assert differences(moment) == {}


def test_a_days_rows_came_to_both(founded, a_day_later):
    for side in ("embedded", "stack"):
        before, after = (getattr(moment, side)["core.fct_orders"].num_rows for moment in (founded, a_day_later))
        assert after > before


def test_trino_sums_what_the_package_says(lakes, a_day_later):
    _, stack = lakes
    with reader.connect(stack.settings) as connection:
        found = connection.execute(
            "select sum(revenue), count(*), sum(units), count(distinct customer_id) from core.fct_orders"
        ).fetchone()
        daily = connection.execute(
            "select revenue_date, total_revenue from finance.daily_revenue where total_revenue <> 0 order by 1"
        ).fetchall()
    truth = oracle.total(SCALE, a_day_later.day)
    assert list(found) == [truth["revenue_cents"] * CENT, truth["orders"], truth["units"], truth["customers"]]
    expected = oracle.expected("day", SCALE, a_day_later.day).select("day", "revenue_cents")
    assert [tuple(row) for row in daily] == [(day, cents * CENT) for day, cents in expected.iter_rows() if cents]


def differences(moment: Moment) -> dict[str, list[tuple]]:
    """By table, the first rows that only one side has."""
    found = {}
    for address in moment.embedded:
        one, other = (comparable(side[address]) for side in (moment.embedded, moment.stack))
        if rows := difference(one, other, one.column_names):
            found[address] = rows
    return found


def types(rows: pa.Table) -> dict[str, str]:
    """Column names and types; text and lists are one type each, however wide their offsets."""
    return {field.name: str(field.type).replace("large_", "") for field in rows.schema}


def comparable(rows: pa.Table) -> pa.Table:
    """The rows and columns that must be equal, columns in the order of their names."""
    names = sorted(name for name in rows.column_names if not name.startswith("_") and name not in OF_A_LOAD)
    return rows.select(names)
