"""How the server reaches the lake in either profile, and that Trino's rules keep what the models keep."""

import json
import re

import pytest

from ecommerce_pipeline.dashboards import connection
from ecommerce_pipeline.settings import ROOT, Settings

RULES = json.loads((ROOT / "trino" / "rules.json").read_text())
ANYBODY = "somebody.who.signed.in"


@pytest.fixture
def on_stack(tmp_path):
    return Settings(
        _env_file=None, home=tmp_path, profile="stack", trino_superset_password="hunter2", trino_password="hunter2"
    )


def first(section, **asked):
    """Trino takes the first rule that fits."""
    return next(rule for rule in RULES[section] if fits(rule, asked))


def fits(rule, asked):
    names = set(rule) & {"user", "catalog", "schema", "table", "original_user", "new_user"}
    return all(re.fullmatch(rule[name], asked[name]) for name in names)


def test_no_secret_is_in_what_the_server_is_given_to_keep(on_stack):
    entry = connection.database(on_stack)
    assert "hunter2" not in json.dumps(entry)
    assert entry["sqlalchemy_uri"] == "trino://superset@127.0.0.1:8443/lake"


def test_the_signed_in_user_asks_on_the_stack_and_nobody_writes(on_stack):
    entry = connection.database(on_stack)
    assert entry["impersonate_user"]
    assert not any(entry[key] for key in ("allow_ctas", "allow_cvas", "allow_dml", "allow_file_upload"))


def test_trino_shows_whoever_signed_in_every_open_column_of_the_models_and_no_closed_one(found):
    for table in found.tables.values():
        rule = first("tables", user=ANYBODY, catalog="lake", schema=table.schema, table=table.name)
        assert rule["privileges"] == ["SELECT"], table.address
        hidden = {column["name"] for column in rule.get("columns", []) if not column["allow"]}
        assert hidden == {column.name for column in table.columns.values() if not column.is_open}, table.address


@pytest.mark.parametrize("beside", ["files", "partitions", "entries", "all_entries", "history", "properties"])
def test_the_metadata_of_a_table_which_holds_the_bounds_of_closed_columns_is_shown_to_nobody(found, beside):
    for table in found.tables.values():
        with pytest.raises(StopIteration):
            first("tables", user=ANYBODY, catalog="lake", schema=table.schema, table=f"{table.name}${beside}")


@pytest.mark.parametrize("schema", ["raw_shop", "staging", "intermediate", "seeds"])
def test_nothing_below_the_core_is_shown(schema):
    with pytest.raises(StopIteration):
        first("tables", user=ANYBODY, catalog="lake", schema=schema, table="orders")


@pytest.mark.parametrize("name", ["admin", "pipeline", "analyst"])
def test_nobody_becomes_a_user_of_trinos_own_by_signing_in_under_that_name(name):
    assert first("impersonation", original_user="superset", new_user=name)["allow"] is False
    assert first("impersonation", original_user="superset", new_user=ANYBODY).get("allow", True)


@pytest.mark.parametrize("name", ["analyst", ANYBODY])
def test_only_the_dashboard_server_asks_in_another_name(name):
    with pytest.raises(StopIteration):
        first("impersonation", original_user=name, new_user="admin")
