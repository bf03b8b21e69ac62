"""What the data quality promises, held against the ledger of faults and the company's true history."""

from benchmarks.exam import sums
from benchmarks.exam.expected import EXPECTED
from tests.quality.conftest import BEFORE

DIMENSIONS = {"completeness", "accuracy", "consistency", "timeliness", "uniqueness"}
RARE = {"delivered twice", "Latin-1 bytes", "too few columns", "income missing", "household size missing"}


def test_every_fault_that_can_be_seen_is_caught_under_its_right_rule(marks):
    assert {kind.kind: kind.missed for kind in marks.kinds if kind.missed} == {}


def test_every_kind_of_fault_had_its_turn_and_most_can_be_seen(marks):
    made = {kind.kind for kind in marks.kinds}
    assert made >= set(EXPECTED) - RARE
    unseen = sum(kind.unseen.total() for kind in marks.kinds if kind.expected.place)
    assert unseen < 0.01 * sum(kind.made for kind in marks.kinds)


def test_no_clean_record_is_held_back_or_altered(marks, disagreeing):
    assert set(marks.touched) == {f"{table} {key} {rule}" for table, key, rule in disagreeing}


def test_systems_that_tell_different_stories_are_reported_and_published_as_they_came(lake, disagreeing):
    found = lake.execute(
        "select source_system || '.' || source_table, record_key, rule, status, dimension from quality.findings "
        "where rule like 'payment%' or rule like 'refund%' or rule like 'purchase%'"
    ).fetchall()
    assert {row[:3] for row in found} == disagreeing
    assert {row[3:] for row in found} == {("kept", "consistency")}


def test_every_stream_is_as_fresh_as_the_company_and_its_days_are_counted(lake):
    behind = "select source_table, days_behind from quality.freshness where not is_fresh"
    assert lake.execute(behind).fetchall() == []
    counted = "select sum(records) from quality.daily_volumes where source_table = 'orders'"
    assert lake.execute(counted).fetchone() == lake.execute("select count(*) from staging.stg_shop__orders").fetchone()


def test_the_real_dirt_of_the_data_is_reported_and_published_as_it_is(marks):
    kept = {(table, rule) for table, rule, status in marks.dirt if status == "kept"}
    assert kept >= {("shop.order_items", "quantity_not_zero"), ("shop.order_items", "quantity_plausible")}


def test_what_is_published_is_as_in_truth_or_somebody_is_told(marks):
    untrue = {table.name: (table.silent[:5], table.lost[:5]) for table in marks.tables if table.silent or table.lost}
    assert untrue == {}
    assert marks.published > 50_000


def test_money_is_published_or_held_to_the_cent(added_up):
    assert {one.name: one.difference for one in added_up if one.difference} == {}
    assert all(part for one in added_up for part in one.parts.values())


def test_late_events_count_in_the_minute_they_happened_in(student, lake):
    assert sums.minutes_unlike_the_truth(student, lake, BEFORE) == 0


def test_every_check_of_a_run_is_counted_by_one_of_the_five_dimensions(lake, marks):
    found = lake.execute("select dimension, sum(failed), sum(rows_checked) from quality.results group by 1").fetchall()
    assert {dimension for dimension, _, _ in found} == DIMENSIONS
    assert all(0 < failed < checked for _, failed, checked in found)
    assert {kind.dimension for kind in marks.kinds if kind.caught} == DIMENSIONS


def test_what_is_held_back_keeps_its_text_its_rule_its_run_and_its_customer(lake):
    for table in ("quality.quarantine", "quality.rejects"):
        lacking = "raw_record is null or rule is null or dimension is null or run_id is null or reason is null"
        assert lake.execute(f"select count(*) from {table} where {lacking}").fetchone() == (0,)
    whose = lake.execute(
        "select rule, count(*) filter (where customer_id is null) from quality.quarantine "
        "where source_system in ('shop', 'web') group by 1"
    ).fetchall()
    assert {rule for rule, unknown in whose if unknown} <= {
        "customer_id_present",
        "user_id_present",
        "line_not_negative",
    }


def test_a_correction_says_what_was_before_what_is_after_and_why(lake):
    found = lake.execute(
        "select status, count(*), count(before_value), count(after_value), count(reason), count(run_id) "
        "from quality.corrections group by 1"
    ).fetchall()
    by_status = {status: counts for status, *counts in found}
    for status, (rows, before, after, reasons, runs) in by_status.items():
        assert reasons == rows
        assert before == rows or status in ("imputed", "inferred", "nulled", "fixed")
        assert after == (0 if status == "nulled" else rows)
        assert runs == rows or status == "imputed"  # the CRM's table is replaced whole, its first run with it
    assert by_status.keys() == {"corrected", "nulled", "imputed", "inferred", "fixed"}
