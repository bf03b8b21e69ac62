"""Contracts of the source streams: one file says it, and what is made of it is current."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from ecommerce_pipeline.quality.contracts import border, generated, promises, reading
from ecommerce_pipeline.quality.contracts.reading import ContractError
from ecommerce_pipeline.settings import ROOT, Settings, get_settings
from ecommerce_pipeline.transformation import project

ORDERS, FINDINGS = "shop.orders.yml", "models/quality/findings.sql"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Settings:
    """A copy of the contracts and of meltano.yml that a test may break."""
    shutil.copytree(ROOT / "dbt" / "contracts", tmp_path / "dbt" / "contracts")
    (tmp_path / "meltano").mkdir()
    shutil.copy(ROOT / "meltano" / "meltano.yml", tmp_path / "meltano")
    monkeypatch.setattr(Settings, "root", property(lambda _: tmp_path))
    return Settings(home=tmp_path / "home", _env_file=None)


def broken(settings: Settings, old: str, new: str, name: str = ORDERS) -> Path:
    path = reading.folder(settings) / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def test_every_stream_has_a_contract_and_meltano_is_told_the_same():
    assert border.disagreements(get_settings()) == []
    assert border.uncovered(get_settings()) == []


def test_what_is_made_of_the_contracts_is_current():
    assert generated.stale(get_settings()) == [], "run `shopsphere contracts generate`"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("stream: shop.orders", "stream: shop.order", "stream: shop.order is not the file's name"),
        ("order_id: {type: bigint", "order_id: {type: number", "fields.order_id: Expected `str` matching"),
        ("required: true, meaning: Order", "requird: true, meaning: Order", "fields.order_id: Object contains unknown"),
        (
            "customer_id: shop.customers",
            "customer_id: shop.people",
            "references.customer_id: shop.people has no contract",
        ),
        ("key: [order_id]", "key: [id]", "key: id is no field of shop.orders"),
        (
            "catalog.stores}",
            "shop.order_items}",
            "references.store_id: the key of shop.order_items has more than one field",
        ),
        (
            "store_id: catalog.stores}",
            "store_id: catalog.prices}",
            "references.store_id: records of catalog.prices can be held back",
        ),
        ("by: updated_at", "by: moved_at", "freshness: moved_at is no field"),
        ("severity: error", "severity: fatal", "rules.customer_id_present: Invalid enum value 'fatal'"),
        ("consequence: quarantined", "consequence: kept", "severity error and consequence quarantined go together"),
        ("fields:\n", "fields: [\n", "not a mapping in YAML"),
    ],
)
def test_a_slip_in_a_contract_is_named_with_its_file_its_field_and_the_next_step(elsewhere, old, new, message):
    path = broken(elsewhere, old, new)
    with pytest.raises(ContractError) as raised:
        reading.read(elsewhere)
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)
    assert "Next: correct it there" in str(raised.value)


def test_a_changed_rule_makes_what_is_made_of_it_stale_until_it_is_written_anew(elsewhere):
    generated.write(elsewhere)
    assert generated.stale(elsewhere) == []
    broken(elsewhere, "severity: info", "severity: warn")
    stale = {path.name for path in generated.stale(elsewhere)}
    assert stale == {"quality_rules.csv", "data-contracts.md"}
    assert {path.name for path in generated.write(elsewhere)} == stale
    assert generated.stale(elsewhere) == []


def test_the_border_is_told_the_types_of_the_contract(elsewhere):
    broken(elsewhere, "user_id: {type: bigint", "user_id: {type: text", "web.events.yml")
    [said] = border.disagreements(elsewhere)
    assert said == "web.events: user_id is text in the contract and bigint in meltano.yml. Next: make them one"


def test_the_command_says_what_is_wrong_and_leaves_with_one(elsewhere, monkeypatch):
    from ecommerce_pipeline.cli import console
    from ecommerce_pipeline.cli.contracts import app

    monkeypatch.setattr(console, "settings", lambda: elsewhere)
    said = CliRunner().invoke(app, ["check"])
    assert said.exit_code == 1
    assert "quality_rules.csv is not current. Next: `shopsphere contracts generate`" in said.output.replace("\n", "")
    assert CliRunner().invoke(app, ["generate"]).exit_code == 0
    assert CliRunner().invoke(app, ["check"]).exit_code == 0


@pytest.fixture(scope="module")
def nodes(founded):
    return project.manifest(founded.settings)["nodes"].values()


def test_what_a_contract_promises_is_held_in_one_check_of_its_staging_table(nodes):
    kept = {
        node["test_metadata"]["kwargs"]["contract"]: node["attached_node"].rpartition(".")[2]
        for node in nodes
        if (node.get("test_metadata") or {}).get("kwargs", {}).get("contract")
    }
    assert kept == {stream: f"stg_{stream.replace('.', '__')}" for stream in reading.read(get_settings())}


def test_every_field_a_contract_holds_is_a_column_of_its_staging_table(nodes):
    columns = {node["name"]: set(node["columns"]) for node in nodes if node["resource_type"] == "model"}
    for stream, contract in reading.read(get_settings()).items():
        named = {contract.column(name) for name in contract.fields} - {""}
        assert named <= columns[f"stg_{stream.replace('.', '__')}"], stream


def test_every_reference_is_held_by_a_rule_or_by_the_check_of_its_staging_table(nodes):
    contracts = reading.read(get_settings())
    tests = {node["name"]: set(node["depends_on"]["nodes"]) for node in nodes if node["resource_type"] == "test"}
    for stream, contract in contracts.items():
        held = promises.references(contract)
        assert len(held) + len(promises.ruled_references(contract)) == len(contract.references), stream
        model = f"stg_{stream.replace('.', '__')}"
        for _, target in held.values():
            assert f"model.shopsphere_lake.stg_{target.replace('.', '__')}" in tests[f"{model}_keeps_its_rules"]


def test_what_people_may_doubt_is_no_promise_of_the_table():
    contracts = reading.read(get_settings())
    assert "currency" not in promises.formats(contracts["shop.orders"])
    assert "event_type_is_known" not in promises.promises(contracts["web.events"])
    assert promises.promises(contracts["shop.orders"])["status_is_known"].startswith("status in ('placed', ")


def test_the_rules_of_the_contracts_are_just_those_that_the_models_evaluate():
    contracts = reading.read(get_settings()).values()
    known = {name for one in contracts for name in one.rules}
    fields = {name for one in contracts for name in one.fields}
    dbt = ROOT / "dbt"
    models = [*(dbt / "models/staging").rglob("base_*.sql"), dbt / "macros/quality/event_rule.sql"]
    models += [dbt / "models/quality" / f"{name}.sql" for name in ("corrections", "findings")]
    named = re.findall(r"(?:then|else) '(\w+)'|'(\w+)' as rule,", "".join(path.read_text() for path in models))
    of_people = (dbt / "macros/quality/corrections.sql").read_text().partition("macro person_rule")[2]
    named += re.findall(r": '(\w+)'()", of_people.partition("endmacro")[0])
    of_money = re.findall(r"money_beside_its_order\('\w+', '\w+', '(\w+)', '(\w+)'", (dbt / FINDINGS).read_text())
    assert {rule for pair in [*named, *of_money] for rule in pair if rule} - fields == known


def test_contracts_are_plain_yaml_that_says_each_thing_once():
    for path in sorted((ROOT / "dbt/contracts").glob("*.*.yml")):
        fields = re.findall(r"^  (\w+): \{", path.read_text(), re.MULTILINE)
        assert len(fields) == len(set(fields)), path
        assert msgspec.yaml.decode(path.read_bytes())["stream"] == path.stem
