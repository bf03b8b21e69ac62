"""A table that stands where it stood before is told with the days that it lacks."""

from datetime import date

from ecommerce_pipeline.cli.days import sentence

KPIS, FEATURES = "executive.sales_kpis", "ml.customer_features"


def test_the_days_since_the_oldest_table_are_named_with_the_last_that_it_holds():
    held = {KPIS: [date(2024, 5, 1), date(2024, 5, 7)], FEATURES: [date(2024, 5, 5)]}
    said = sentence(held, ["product.daily_inventory"], date(2024, 5, 9))
    assert "`shopsphere materialize daily_update --partition 2024-05-05:2024-05-09`" in said
    assert f"of {KPIS}, {FEATURES}" in said
    assert "product.daily_inventory cannot be built again" in said


def test_a_table_that_is_not_kept_by_day_needs_no_days():
    assert sentence({}, [], date(2024, 5, 9)) == "`shopsphere materialize daily_update` brings it up to date"


def test_a_table_with_no_day_yet_or_out_of_the_calendar_leaves_the_choice_to_the_person():
    assert "--partition FIRST:LAST` (from the last day that it holds" in sentence({KPIS: []}, [], date(2024, 5, 9))
    assert "--partition 2024-05-05:LAST`" in sentence({KPIS: [date(2024, 5, 5)]}, [], None)
