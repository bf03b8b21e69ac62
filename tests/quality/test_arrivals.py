"""After a load, what a source holds is held against what has arrived, row by row in number and cent by cent in sum."""

from __future__ import annotations

from contextlib import contextmanager

import dagster as dg
import pytest
from pydantic import SecretStr

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.quality import arrivals
from ecommerce_pipeline.quality.arrivals import NAME, arrival_checks
from ecommerce_pipeline.quality.contracts import reading
from ecommerce_pipeline.sources import totals
from ecommerce_pipeline.streams import extractors
from shopsphere import postgres, services


def compared(settings, *tables: str) -> dict[str, dg.AssetCheckEvaluation]:
    """What the checks say of each raw table now, or of those named."""
    checks = arrival_checks(settings, reading.read(settings), extractors(settings), totals.of_table)
    keys = [spec.asset_key for one in checks for spec in one.check_specs]
    chosen = [key for key in keys if not tables or ".".join(key.path) in tables]
    result = dg.materialize(
        checks, selection=dg.AssetSelection.checks(*(dg.AssetCheckKey(key, NAME) for key in chosen))
    )
    assert result.success
    return {".".join(one.asset_key.path): one for one in result.get_asset_check_evaluations()}


def said(one: dg.AssetCheckEvaluation) -> dict[str, object]:
    return {name: value.value for name, value in one.metadata.items()}


def test_all_that_the_databases_hold_has_arrived_to_the_cent(student, lake):
    found = compared(student.settings)
    assert found.keys() == {
        *(
            f"raw_shop.{name}"
            for name in ("customers", "customer_changes", "orders", "order_items", "payments", "refunds")
        ),
        *(f"raw_catalog.{name}" for name in ("products", "prices", "inventory", "stores")),
    }
    assert [table for table, one in found.items() if not one.passed] == []
    lines = said(found["raw_shop.order_items"])
    assert lines["rows_in_source"] == lines["rows_in_lake"] > 5000
    assert lines["sales_value: source - lake"] == "0.00"
    assert said(found["raw_shop.orders"])["rows_in_lake"] > 1000


@contextmanager
def one_more_refund(student, updated_at: str):
    """The shop with a refund more, which was last written at that time."""
    with postgres.connect(student.home, services.port(student.home, "postgres"), "shop", autocommit=True) as shop:
        shop.execute(
            "insert into shop.refunds select 1, order_id, null, 5, reason, refunded_at, created_at, %s::timestamp "
            "from shop.refunds limit 1",
            (updated_at,),
        )
        try:
            yield
        finally:
            shop.execute("delete from shop.refunds where refund_id = 1")


def test_a_row_that_did_not_arrive_is_told_and_blocks_nothing(student, lake):
    with one_more_refund(student, "2017-01-15"):
        one = compared(student.settings, "raw_shop.refunds")["raw_shop.refunds"]
    assert not one.passed
    assert one.severity == dg.AssetCheckSeverity.WARN
    assert said(one)["rows_in_source"] == said(one)["rows_in_lake"] + 1


def test_rows_written_since_the_load_are_no_difference(student, lake):
    with one_more_refund(student, "2017-12-31"):
        one = compared(student.settings, "raw_shop.refunds")["raw_shop.refunds"]
    assert one.passed
    assert said(one)["written_since"] == 1


@pytest.mark.parametrize("address", ["", "postgresql://meltano:secret@127.0.0.1:1/shop"])
def test_a_source_that_does_not_answer_is_a_warning_with_the_next_step(student, lake, address):
    elsewhere = student.settings.model_copy(update={"shop_url": SecretStr(address)})
    one = compared(elsewhere, "raw_shop.orders")["raw_shop.orders"]
    assert not one.passed
    assert "shop.orders could not be counted" in said(one)["compared"]
    assert "Next: check that its system runs" in said(one)["compared"]
    assert "secret" not in said(one)["compared"]


def test_a_table_of_rejects_that_another_step_makes_meanwhile_disturbs_nothing(student, lake, monkeypatch):
    """At the first load of all, one extractor is compared while another meets the first record it must reject."""
    with open_catalog(student.settings) as catalog:
        place = catalog.load_table(arrivals.REJECTS).metadata_location
        catalog.drop_table(arrivals.REJECTS)
    pin = reader.connect

    def pinned_before_it_is_made(settings):
        connection = pin(settings)
        with open_catalog(settings) as catalog:
            catalog.register_table(arrivals.REJECTS, place)
        return connection

    monkeypatch.setattr(reader, "connect", pinned_before_it_is_made)
    one = compared(student.settings, "raw_shop.refunds")["raw_shop.refunds"]
    assert said(one)["rejected"] == 0
