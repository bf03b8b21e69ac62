"""dbt on the lake, with the project's own macros and profiles: a small project, really built."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from ecommerce_pipeline.lakehouse import branch, database, difference, reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.errors import BranchError
from ecommerce_pipeline.lakehouse.publish import publish
from ecommerce_pipeline.settings import ROOT, Settings
from ecommerce_pipeline.transformation import development, published
from ecommerce_pipeline.transformation import project as dbt_project

MODELS = {
    "lines.sql": """
        {{ config(properties={'partitioning': "ARRAY['month(day)', 'bucket(id, 2)']"}) }}
        select i as id, date '2017-01-01' + cast(i % 60 as integer) as day, cast(i as decimal(9, 3)) as amount
        from {{ source('raw_shop', 'numbers') }}
    """,
    "merged.sql": """
        {{ config(materialized='incremental', unique_key='id', meta={'rewrite_after': 1}) }}
        select id, {{ "'second'" if is_incremental() else "'first'" }} as run from {{ ref('lines') }}
        {% if is_incremental() %} where id >= 95 union all select 1000, 'second' {% endif %}
    """,
    "swapped.sql": """
        {{ config(materialized='incremental', unique_key=['id'], incremental_strategy='delete+insert') }}
        select id, {{ "'second'" if is_incremental() else "'first'" }} as run from {{ ref('lines') }}
        {% if is_incremental() %} where id >= 95 {% endif %}
    """,
    "noted.sql": """
        {{ config(materialized='incremental', unique_key='id') }}
        with computed as (select id, amount from {{ ref('lines') }})
        {{ only_changed('computed') }}
    """,
    "counted.sql": """
        {{ config(
            materialized='incremental', unique_key='id', incremental_strategy='merge_or_delete',
            meta={'deleted_when': 'entries = 0'}
        ) }}
        select id % 10 as id, {{ "sum(if(id % 10 = 7, 0, 2))" if is_incremental() else "count(*)" }} as entries
        from {{ ref('lines') }}
        {% if is_incremental() %} where id % 10 > 6 {% endif %}
        group by all
    """,
    "models.yml": """
        sources: [{name: raw_shop, tables: [{name: numbers}]}]
        models:
          - name: lines
            columns:
              - {name: id, data_type: bigint}
              - {name: day, data_type: date}
              - {name: amount, data_type: "decimal(12, 2)"}
          - name: merged
            columns: [{name: id, data_type: bigint}, {name: run, data_type: varchar}]
          - name: swapped
            columns: [{name: id, data_type: bigint}, {name: run, data_type: varchar}]
          - name: noted
            columns: [{name: id, data_type: bigint}, {name: amount, data_type: "decimal(14, 2)"}]
          - name: counted
            columns: [{name: id, data_type: bigint}, {name: entries, data_type: bigint}]
    """,
}


class Project:
    """A dbt project in a folder of its own, on a lake of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(_env_file=None, home=folder / "var")
        self.models = folder / "models" / "core"
        self.models.mkdir(parents=True)
        (folder / "seeds").mkdir()
        (folder / "seeds" / "plan.csv").write_text("month,amount\n2017-01,10.50\n2017-02,20.25\n")
        for name in ("dbt_project.yml", "profiles.yml"):
            shutil.copy(ROOT / "dbt" / name, folder)
        shutil.copytree(ROOT / "dbt" / "macros" / "materializations", folder / "macros" / "materializations")
        for name in ("generate_schema_name.sql", "incremental.sql"):
            shutil.copy(ROOT / "dbt" / "macros" / name, folder / "macros")
        for name, text in MODELS.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        import textwrap

        (self.models / name).write_text(textwrap.dedent(text))

    def dbt(self, *arguments: str, branch: str = "lake") -> str:
        environment = os.environ | {
            "SHOPSPHERE_HOME": str(self.settings.home),
            "SHOPSPHERE_BRANCH": branch,
            "DBT_PROFILES_DIR": str(self.folder),
            "PYTHONPATH": str(ROOT),
        }
        command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        return f"exit {done.returncode}\n{done.stdout}{done.stderr}"

    def query(self, sql: str) -> list[tuple]:
        with reader.connect(self.settings) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Built twice in production, the second time incrementally."""
    import pyarrow as pa

    made = Project(tmp_path_factory.mktemp("dbt"))
    numbers = pa.table({"i": pa.array(range(100), pa.int64())})
    with open_catalog(made.settings) as catalog:
        catalog.create_namespace("raw_shop")
        catalog.create_table("raw_shop.numbers", numbers.schema).append(numbers)
    for _ in range(2):
        branch.create(made.settings, "lake_next")
        output = made.dbt("build", branch="lake_next")
        assert output.startswith("exit 0"), output
        publish(made.settings, "lake_next")
    yield made
    database.forget(made.settings)


def test_dbt_by_hand_cannot_write_production(project):
    before = open_catalog(project.settings).load_table("core.lines").metadata_location
    refused = project.dbt("run", "--select", "lines")
    assert not refused.startswith("exit 0")
    assert "would write production's tables" in refused
    assert "shopsphere branch create NAME" in refused
    assert open_catalog(project.settings).load_table("core.lines").metadata_location == before


def test_a_table_has_the_types_its_contract_promises_and_its_partitions(project):
    assert project.query("select typeof(amount), sum(amount) from core.lines group by 1") == [
        ("DECIMAL(12,2)", Decimal("4950.00"))
    ]
    spec = open_catalog(project.settings).load_table("core.lines").spec()
    assert [str(field.transform) for field in spec.fields] == ["month", "bucket[2]"]


def test_a_second_build_adds_one_snapshot_to_a_tables_history(project):
    snapshots = open_catalog(project.settings).load_table("core.lines").snapshots()
    assert [s.summary.operation.value for s in snapshots] == ["append", "overwrite"]


def test_a_merge_replaces_the_keys_it_brings_and_keeps_the_rest(project):
    assert project.query("select run, count(*), max(id) from core.merged group by 1 order by 1") == [
        ("first", 95, 94),
        ("second", 6, 1000),
    ]


def test_a_table_in_fragments_is_written_anew_within_its_history(project):
    snapshots = open_catalog(project.settings).load_table("core.merged").snapshots()
    fragments = [int(s.summary.additional_properties["total-delete-files"]) for s in snapshots]
    assert fragments[-2] >= 1
    assert fragments[-1] == 0
    assert snapshots[-1].parent_snapshot_id == snapshots[-2].snapshot_id


def test_delete_and_insert_does_the_same_in_one_commit(project):
    assert project.query("select run, count(*) from core.swapped group by 1 order by 1") == [
        ("first", 95),
        ("second", 5),
    ]
    metadata_log = open_catalog(project.settings).load_table("core.swapped").metadata.metadata_log
    assert len(metadata_log) == 1


def test_a_merge_that_deletes_takes_away_the_keys_it_says_so_of_and_no_others(project):
    assert project.query("select entries, count(*), max(id) from core.counted group by 1 order by 1") == [
        (10, 7, 6),
        (20, 2, 9),
    ]
    assert project.query("select id from core.counted where id = 7") == []


def test_a_seed_is_a_table_like_any_other(project):
    assert project.query("select * from seeds.plan order by month") == [("2017-01", 10.5), ("2017-02", 20.25)]


@pytest.fixture(scope="module")
def changed(project):
    """The output of a build on a branch, after every model was changed, one of them against its contract."""
    lines, merged, models = (MODELS[name] for name in ("lines.sql", "merged.sql", "models.yml"))
    project.write("lines.sql", lines.replace("from {{", ", 'new' as note from {{"))
    project.write(
        "merged.sql", merged.replace("as run from", "as run, 7 as extra from").replace("'second' {%", "'second', 8 {%")
    )
    project.write("noted.sql", MODELS["noted.sql"].replace("id, amount", "id, if(id < 5, 'low', null) as note, amount"))
    project.write("swapped.sql", "select cast(0.5 as double) as id, 1 as surprise from {{ ref('lines') }}")
    promised = "columns: [{name: id, data_type: bigint}"
    for old, new in [
        ('"decimal(12, 2)"}', '"decimal(12, 2)"}\n              - {name: note, data_type: varchar}'),
        (f"merged\n            {promised}", f"merged\n            {promised}, {{name: extra, data_type: integer}}"),
        (f"noted\n            {promised}", f"noted\n            {promised}, {{name: note, data_type: varchar}}"),
        (f"swapped\n            {promised}", "swapped\n            columns: [{name: id, data_type: 'decimal(12, 2)'}"),
    ]:
        assert old in models
        models = models.replace(old, new)
    project.write("models.yml", models)
    branch.create(project.settings, "lake_next")
    return project.dbt("build", branch="lake_next")


def test_a_broken_contract_names_the_columns(changed):
    assert changed.startswith("exit 1")
    assert "surprise is built but not promised" in changed
    assert "run is promised but not built" in changed
    assert "id is computed in floating point and promised as decimal" in changed


@pytest.fixture(scope="module")
def publication(project, changed):
    """The columns of `lines` that readers saw before that build was published, and what its publication said."""
    return [row[0] for row in project.query("describe core.lines")], publish(project.settings, "lake_next")


def test_a_build_on_a_branch_is_invisible_until_it_is_published(project, publication):
    seen, publication = publication
    assert seen == ["id", "day", "amount"]
    changed = [str(table.name) for table in publication.changed]
    assert changed == ["core.counted", "core.lines", "core.merged", "core.noted", "seeds.plan"]
    assert publication.created == publication.removed == ()
    assert project.query("select note, count(*) from core.lines group by 1") == [("new", 100)]
    assert project.query("select count(*) from core.swapped") == [(100,)]
    added = project.query("select extra, count(*) from core.merged group by 1 order by 1 nulls first")
    assert added == [(None, 95), (7, 5), (8, 1)]


def test_a_model_that_writes_changed_rows_alone_takes_a_new_column_and_leaves_the_other_rows(project, publication):
    """`lines` was built anew, word for word; only the rows that have a note were written again."""
    notes = project.query("select note, count(*), sum(amount) from core.noted group by 1 order by 1 nulls last")
    assert notes == [("low", 5, Decimal("10.00")), (None, 95, Decimal("4940.00"))]
    [added] = open_catalog(project.settings).load_table("core.noted").snapshots()[1:]
    assert added.summary.additional_properties["added-records"] == "5"


def test_the_same_project_parses_and_compiles_for_the_stack_without_a_server(project):
    arguments = ("--target", "stack", "--target-path", "target-stack")
    output = project.dbt("compile", "--no-populate-cache", "--no-introspect", *arguments)
    assert output.startswith("exit 0"), output
    compiled = project.folder / "target-stack" / "compiled" / "shopsphere_lake" / "models" / "core" / "lines.sql"
    assert '"lake"."raw_shop"."numbers"' in compiled.read_text()


@pytest.fixture(scope="module")
def checkout(project):
    """The project as production publishes it, its manifest kept, as a checkout that somebody works in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dbt_project, "project_dir", lambda _settings: project.folder)
        for name, text in MODELS.items():
            project.write(name, text)
        published.keep(project.settings, dbt_project.manifest(project.settings), (), everything=True)
        yield project


def test_what_was_changed_and_what_hangs_on_it_is_built_on_a_branch_and_told(checkout):
    settings = checkout.settings
    before = checkout.query("select count(*), sum(amount) from core.lines")
    checkout.write("lines.sql", MODELS["lines.sql"].replace("(9, 3)) as", "(9, 3)) * 2 as"))
    development.fresh(settings, "mine")
    built = development.build(settings, "mine")
    assert {one.name for one in built.models} == {"counted", "lines", "merged", "noted", "swapped"}
    assert built.failed == ()
    found = {str(one.name): one for one in difference.differences(settings, "mine")}
    assert found["core.lines"].values["amount"] == 50
    assert checkout.query("select count(*), sum(amount) from core.lines") == before


def test_nobody_builds_on_production_or_on_its_candidate(checkout):
    for name in ("lake", "lake_next"):
        with pytest.raises(BranchError, match="production's runs alone"):
            development.build(checkout.settings, name)
