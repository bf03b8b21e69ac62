"""What people decide about records in quarantine is kept, and the next run obeys."""

from __future__ import annotations

import json
import re

import pytest

from ecommerce_pipeline.quality import decisions, fixes, quarantine
from ecommerce_pipeline.quality.contracts import reading
from ecommerce_pipeline.quality.errors import QualityError
from ecommerce_pipeline.settings import ROOT, get_settings
from tests.quality.conftest import truth_of


def status(lake, table, key):
    name = table.partition(".")[2]
    sql = f"select status from quality.quarantine where source_table = '{name}' and record_key = '{key}'"
    return [row[0] for row in lake.execute(sql).fetchall()]


def test_a_decision_says_who_when_and_why_and_none_is_ever_changed(student, decided):
    [one] = quarantine.history(student.settings, "shop.orders", decided["order"])
    assert (one.decided_by, one.decision, one.reason) == ("Ada", decisions.FIX, "asked the shop")
    assert json.loads(one.fix or "").keys() == {"customer_id"}
    [other] = quarantine.history(student.settings, "shop.orders", decided["dismissed"])
    assert other.decided_at > one.decided_at


def test_a_fixed_order_flows_on_with_its_customer_and_its_lines(student, decided, lake):
    truth = truth_of(student, "order without customer").true["customer_id"]
    [(customer, lines, revenue)] = lake.execute(
        f"select customer_id, item_count, revenue from core.fct_orders where order_id = {decided['order']}"
    ).fetchall()
    assert str(customer) == truth
    held = f"select count(*), sum(sales_value) from core.fct_order_items where order_id = {decided['order']}"
    assert lake.execute(held).fetchall() == [(lines, revenue)]
    assert status(lake, "shop.orders", decided["order"]) == ["fixed"]


def test_a_fixed_line_counts_in_its_order(student, decided, lake):
    order, _, product = decided["line"].partition("-")
    sql = f"select sales_value from core.fct_order_items where order_id = {order} and product_id = {product}"
    [(value,)] = lake.execute(sql).fetchall()
    assert str(value) == truth_of(student, "negative value").true["sales_value"]
    differing = (
        "select f.order_id from core.fct_orders f join (select order_id, sum(sales_value) as value "
        "from core.fct_order_items group by 1) l on f.order_id = l.order_id where f.revenue <> l.value"
    )
    assert lake.execute(differing).fetchall() == []


def test_a_fixed_event_counts_in_its_minute_and_its_session(decided, lake):
    [(minute, session, kind)] = lake.execute(
        "select date_trunc('minute', occurred_at), session_id, event_type from staging.stg_web__events "
        f"where event_id = '{decided['event']}'"
    ).fetchall()
    for table, key, value in (
        ("core.fct_events_per_minute", "events", f"minute = timestamp '{minute}' and event_type = '{kind}'"),
        ("core.fct_sessions", "event_count", f"session_id = '{session}'"),
    ):
        staged = value.replace("minute =", "date_trunc('minute', occurred_at) =")
        [(counted,)] = lake.execute(f"select {key} from {table} where {value}").fetchall()
        [(there,)] = lake.execute(f"select count(*) from staging.stg_web__events where {staged}").fetchall()
        assert counted == there


def test_a_fix_is_a_correction_with_before_and_after(student, decided, lake):
    found = lake.execute(
        "select source_table, record_key, field, before_value, after_value from quality.corrections "
        "where status = 'fixed' order by 1"
    ).fetchall()
    truth = {table: truth_of(student, kind) for table, kind in (
        ("events", "missing user id"), ("order_items", "negative value"), ("orders", "order without customer"),
        ("prices", "price zero"),
    )}  # fmt: skip
    assert [table for table, *_ in found] == list(truth)
    for table, _, field, before, after_value in found:
        assert (before, after_value) == (truth[table].written[field], truth[table].true[field])


def test_a_released_order_flows_on_as_it_is(decided, lake):
    sql = f"select currency from staging.stg_shop__orders where order_id = {decided['released']}"
    assert lake.execute(sql).fetchall() == [("US$",)]
    assert status(lake, "shop.orders", decided["released"]) == ["released"]


def test_a_dismissed_order_stays_out_and_is_counted_as_dismissed(decided, lake):
    sql = f"select count(*) from core.fct_orders where order_id = {decided['dismissed']}"
    assert lake.execute(sql).fetchall() == [(0,)]
    assert status(lake, "shop.orders", decided["dismissed"]) == ["dismissed"]


def test_what_nobody_decided_about_stays_as_it_was(first, decided, lake):
    sql = "select source_table, record_key, rule, status from quality.quarantine"
    before, now = first.execute(sql).fetchall(), {tuple(row[:3]): row[3] for row in lake.execute(sql).fetchall()}
    assert {status for *_, status in before} <= {"open", "resolved"}
    # a price is held against its history, which grows
    moved = {key for table, key, rule, _ in before if now.get((table, key, rule), "open") not in ("open", "resolved")}
    assert moved == set(decided.values())


def test_what_is_in_the_tables_cannot_be_decided_about_again(student, decided, lake):
    with pytest.raises(QualityError, match=r"is fixed: it is in the tables\. Next: correct it"):
        quarantine.undecided(quarantine.one(student.settings, "shop.orders", decided["order"]))


def test_the_list_shows_what_is_open_and_a_record_is_shown_as_it_came(student, shopsphere):
    [record] = quarantine.find(
        student.settings, table="shop.orders", rule="customer_id_present", status="open", limit=1
    )
    listed = shopsphere("list", "--rule", "customer_id_present", "--limit", "1")
    assert record.record_key in listed.output
    shown = shopsphere("show", "shop.orders", record.record_key)
    assert "the order has no customer" in shown.output
    assert set(record.fields) >= {"order_id", "total_amount", "placed_at"}


def test_a_rule_that_protects_the_tables_cannot_be_waived(student):
    [record] = quarantine.find(
        student.settings, table="shop.orders", rule="customer_id_present", status="open", limit=1
    )
    with pytest.raises(QualityError, match=r"the tables promise it. Next: .shopsphere quarantine fix shop.orders"):
        quarantine.release(student.settings, [record], "Ada", "why not")


@pytest.mark.parametrize(
    ("table", "values", "message"),
    [
        ("shop.orders", {"customer_id": "seventeen"}, "is not a whole number. Next"),
        ("shop.orders", {"status": "paid"}, "no field 'status' that can be fixed. Next: one of customer_id"),
        ("shop.order_items", {"sales_value": "1.005"}, "is not an amount"),
        ("web.events", {"occurred_at": "yesterday"}, "is not a time"),
        ("crm.demographics", {"income": "1"}, "Next: correct it at its source"),
        ("shop.orders", {}, "no field was given. Next"),
    ],
)
def test_a_fix_that_cannot_be_is_refused_with_the_next_step(table, values, message):
    with pytest.raises(QualityError, match=re.escape(message)):
        fixes.checked(reading.read(get_settings()), table, values)


def test_a_time_with_a_zone_is_kept_in_utc():
    given = {"placed_at": "2017-03-01T01:00:00+01:00"}
    assert fixes.checked(reading.read(get_settings()), "shop.orders", given) == {
        "placed_at": "2017-03-01 00:00:00.000000"
    }


def test_a_record_that_is_not_there_is_refused_with_the_next_step(student):
    with pytest.raises(QualityError, match=r"shop.orders 0 is not in quarantine\. Next"):
        quarantine.one(student.settings, "shop.orders", "0")


def test_a_sample_keeps_the_verdicts_and_counts_them_by_rule(student, shopsphere):
    said = shopsphere("sample", "3", "--rule", "line_not_negative", "--by", "Ada", answers="y\nn\ns\n")
    assert said.exit_code == 0, said.output
    assert quarantine.verdicts(student.settings) == [("line_not_negative", 2, 1)]
    assert "50%" in said.output


def test_the_models_can_fix_what_the_contracts_let_people_fix():
    contracts = reading.read(get_settings()).values()
    sql = "".join(path.read_text() for path in (ROOT / "dbt" / "models" / "staging").rglob("base_*.sql"))
    assert set(re.findall(r"fixed\('(\w+)'", sql)) == {name for one in contracts for name in one.fixable}
    waivable = {name for one in contracts for name, rule in one.rules.items() if rule.waivable}
    assert set(re.findall(r"released\('(\w+)'", sql)) == waivable
