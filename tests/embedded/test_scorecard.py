"""The scorecard counts what happened: hand-made runs to the minute, and the real lake by its own figures."""

from datetime import UTC, datetime, timedelta

from ecommerce_pipeline.operations import scorecard
from ecommerce_pipeline.operations.history import EndedRun
from ecommerce_pipeline.operations.scorecard import Made, Prices

START = datetime(2026, 1, 1, 6, tzinfo=UTC)
PRICES = Prices(cpu_hour=100.0, gb_month=3000.0)


def run(day, seconds=0.0, **more):
    began = START + timedelta(days=day)
    values = {"run_id": f"run {day}", "job": "daily_update", "succeeded": True, **more}
    return EndedRun(started=began, ended=began + timedelta(seconds=seconds), **values)


def made(day, asset="finance.daily_revenue", **more):
    values = {"step": "models", "rows": 10, "bytes": 1_000_000, "cpu_seconds": 36.0, "status": "succeeded", **more}
    return Made(run_id=f"run {day}", asset=asset, **values)


def test_a_run_takes_from_its_start_to_its_end_and_failed_and_other_ones_do_not_count():
    runs = [run(0, 60.0), run(1, 130.0), run(2, 9000.0, succeeded=False), run(3, 9000.0, job="full_refresh")]
    figure = scorecard.processing_time(runs)
    assert figure.measured == "130 s (median 95 s, longest 130 s)"
    assert figure.reached
    assert figure.counted.startswith("2 daily runs")


def test_a_run_of_two_hours_misses_the_goal():
    assert scorecard.processing_time([run(0, 7200.0)]).reached is False


def test_the_trend_is_the_last_five_runs_against_the_five_before():
    assert scorecard.processing_time([run(day, 100.0 if day < 5 else 80.0) for day in range(10)]).trend == "-20%"


def test_a_mart_is_unavailable_from_its_deadline_until_its_next_publication():
    runs = {one.run_id: one for one in (run(0), run(3))}  # 36 of the 72 hours between them, then 28 of 28
    figure = scorecard.availability([made(0), made(3)], runs, START + timedelta(days=3, hours=28))
    assert figure.measured == "64.00%"
    assert figure.reached is False
    assert "finance.daily_revenue" in figure.counted


def test_an_outage_at_the_start_of_the_days_that_count_is_unavailable_though_nothing_was_published_in_it():
    """Published until a day before, then nothing for 25 of the 30 days, then daily."""
    now = START + timedelta(days=30)
    runs = {one.run_id: one for one in map(run, range(25, 30))}
    last = {"finance.daily_revenue": START - timedelta(days=1)}  # 12 hours of it reach in
    figure = scorecard.availability([made(day) for day in range(25, 30)], runs, now, last)
    assert figure.measured == f"{(12 + 5 * 24) / (30 * 24):.2%}"


def test_a_mart_that_was_not_published_in_the_days_that_count_counts():
    last = {"finance.daily_revenue": START - timedelta(days=9), "staging.stg_shop__orders": START}
    figure = scorecard.availability([], {}, START + timedelta(days=30), last)
    assert (figure.measured, figure.reached) == ("0.00%", False)
    assert figure.counted.startswith("1 marts")


def test_a_mart_that_failed_to_publish_and_a_staging_table_do_not_make_anything_available():
    rows = [made(0, status="failed"), made(0, asset="staging.stg_shop__orders")]
    assert scorecard.availability(rows, {"run 0": run(0)}, START + timedelta(days=1)).reached is None


def test_errors_are_those_neither_corrected_nor_held_back_of_the_runs_that_count():
    checked = [("run 0", "shop.orders", 1000, 30, 10, 18), ("run 9", "shop.orders", 1000, 999, 0, 0)]
    figure = scorecard.errors({"run 0"}, checked)
    assert figure.measured == "0.200% known"
    assert figure.reached


def test_the_cpu_of_a_step_counts_once_however_many_tables_it_made():
    rows = [
        made(0, asset="core.fct_orders", rows=1000),
        made(1, asset="core.fct_orders", rows=3000),
        made(1, asset="finance.daily_revenue"),
    ]
    cpu, size, cost = scorecard.costs(rows, PRICES)
    assert cpu.measured == "18.0 s"  # 36 CPU-seconds for 2,000 orders; the first run's were for the 1,000 before
    assert size.measured == "0.67 MB"  # two tables of 1 MB for 3,000 orders
    assert cost.measured == "$2.5000"  # $1 for CPU by two thousand orders, and 2/3 MB a thousand orders, $2


def test_the_cpu_of_a_lake_whose_orders_did_not_grow_is_that_of_all_its_orders():
    rows = [made(day, asset="core.fct_orders", rows=1000) for day in range(2)]
    assert scorecard.costs(rows, PRICES)[0].measured == "72.0 s"


def test_an_empty_lake_has_no_scorecard(settings, tmp_path):
    assert scorecard.scorecard(settings.model_copy(update={"home": tmp_path / "none"}), datetime.now(UTC), PRICES) == []


def test_the_real_lake_reaches_the_goals_it_can(loaded, settings, lake):
    figures = {figure.name: figure for figure in scorecard.scorecard(settings, datetime.now(UTC), PRICES)}
    assert figures["processing time"].reached
    assert figures["errors in what is published"].reached
    assert figures["availability"].reached
    came = lake.execute("select count(*) from raw_shop.orders").fetchone()[0]
    counted = figures["errors in what is published"].counted
    assert int(counted.split()[0].replace(",", "")) >= came
    assert {"CPU per 1,000 orders", "bytes per 1,000 orders", "cost per 1,000 orders"} <= figures.keys()
