"""After the guide's steps alone, an unknown database is in the lake, row for row, and the demo is out of the house."""

import ast
import json
import re
from decimal import Decimal

import pytest

from ecommerce_pipeline.settings import ROOT, Settings


def asked(clone, sql):
    """The clone's lake read as it stands, values as text."""
    from ecommerce_pipeline.lakehouse import reader

    with reader.connect(Settings(home=clone.root / "var")) as connection:
        return in_text(connection.execute(sql).fetchall())


def in_text(rows):
    return [tuple("" if value is None else str(value) for value in row) for row in rows]


def test_the_demo_and_its_commands_are_gone(connected):
    assert not (connected.root / "shopsphere").exists()
    shown = connected.must(".venv/bin/shopsphere --help")
    assert "materialize" in shown
    for command in ("demo", "simulate", "up"):
        assert f" {command} " not in shown
    assert connected.type(".venv/bin/shopsphere demo").returncode == 2
    found = connected.must(
        ".venv/bin/python -c 'import ecommerce_pipeline, importlib.util as u; "
        'print(ecommerce_pipeline.__file__, u.find_spec("shopsphere"))\''
    )
    assert found.split() == [str(connected.root / "ecommerce_pipeline" / "__init__.py"), "None"]


def test_every_row_of_the_source_is_in_its_raw_table_digit_for_digit(connected, erp):
    source = erp.rows(
        "erp",
        "select invoice_id, customer_no, amount, (extract(epoch from issued_at) * 1000000)::bigint, details::text "
        "from sales.invoices order by 1",
    )
    lake = asked(
        connected,
        "select invoice_id, customer_no, amount, epoch_us(issued_at), details from raw_sales.invoices order by 1",
    )
    assert len(lake) == 1000
    assert [row[:4] for row in lake] == [row[:4] for row in in_text(source)]
    assert Decimal(lake[6][2]) == Decimal("1234567.0001")
    assert [json.loads(row[4]) for row in lake] == [json.loads(row[4]) for row in source]


def test_types_arrive_as_the_source_declares_them(connected):
    described = dict(
        asked(connected, "select column_name, column_type from (describe select * from raw_sales.invoices)")
    )
    wanted = {
        "invoice_id": "BIGINT",
        "amount": "DECIMAL(14,4)",
        "issued_at": "TIMESTAMP WITH TIME ZONE",
        "details": "VARCHAR",
    }
    assert {name: described[name] for name in wanted} == wanted


def test_a_deselected_column_stays_out_of_the_lake(connected):
    columns = asked(connected, "select column_name from (describe select * from raw_sales.invoices)")
    assert ("updated_at",) in columns
    assert ("card_number",) not in columns
    kept = (connected.root / "var" / "lake").rglob("*.parquet")
    assert not [path for path in kept if b"4111 1111" in path.read_bytes()]


def test_tables_without_a_change_column_or_without_a_key_arrive_whole(connected, erp):
    for table, columns in (("regions", "region_id, name"), ("till_log", "till, said, written_at")):
        source = in_text(erp.rows("erp", f"select {columns} from sales.{table} order by 1, 2"))
        assert asked(connected, f"select {columns} from raw_sales.{table} order by 1, 2") == source


def test_the_staging_model_holds_the_source_as_its_contract_says(connected, erp):
    source = erp.rows(
        "erp",
        "select invoice_id, customer_no, to_char(issued_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), amount, "
        "details ->> 'channel' from sales.invoices order by 1",
    )
    lake = asked(
        connected,
        "select invoice_id, customer_no, strftime(issued_at, '%Y-%m-%d %H:%M:%S.%f'), amount, channel "
        "from staging.stg_sales__invoices order by 1",
    )
    assert lake == in_text(source)


def test_the_graph_runs_from_the_teams_database_to_its_staging_model(connected):
    script = (
        "from ecommerce_pipeline.definitions import defs; g = defs.resolve_asset_graph(); "
        "name = lambda key: key.to_user_string(); "
        "print({name(key): [name(parent) for parent in g.get(key).parent_keys] for key in g.get_all_asset_keys()})"
    )
    parents = ast.literal_eval(connected.must(f'.venv/bin/python -c "{script}"').strip().splitlines()[-1])
    assert parents["staging/stg_sales__invoices"] == ["raw_sales/invoices"]
    assert parents["raw_sales/invoices"] == ["sales/invoices"]
    assert not [key for key in parents if key.startswith(("raw_shop/", "finance/"))]


@pytest.mark.parametrize("guide", ["connect-your-shop.md", "add-a-source.md"])
def test_a_guide_leads_only_to_pages_that_exist(guide):
    folder = ROOT / "docs" / "guides"
    for link in re.findall(r"\]\(([^)#:]+)\)", (folder / guide).read_text()):
        assert (folder / link).exists(), link
