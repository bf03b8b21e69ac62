"""Looking into the lake from the command line: exact data on stdout, nothing can be changed."""

import csv
import io
import json
import re

import pytest

from tests.cli.test_start import shopsphere

pytestmark = pytest.mark.usefixtures("loaded")
REVENUE = "select revenue_date, total_revenue from finance.daily_revenue order by 1 limit 3"


def test_csv_and_json_hold_what_the_lake_holds(lake):
    expected = lake.execute(REVENUE).fetchall()
    answer = shopsphere("query", REVENUE, "--format", "csv")
    assert answer.returncode == 0
    header, *rows = csv.reader(io.StringIO(answer.stdout))
    assert header == ["revenue_date", "total_revenue"]
    assert rows == [[str(day), str(revenue)] for day, revenue in expected]
    lines = shopsphere("query", REVENUE, "-f", "json").stdout.splitlines()
    assert [json.loads(line)["total_revenue"] for line in lines] == [str(revenue) for _, revenue in expected]


def test_a_table_shows_nulls_as_such():
    answer = shopsphere("query", "select 1 as one, null as nothing, '[red]' as markup")
    assert "null" in answer.stdout
    assert "[red]" in answer.stdout


@pytest.mark.parametrize(
    "sql",
    [
        "delete from finance.daily_revenue",
        "create table finance.mine as select 1 as one",
        "drop table finance.daily_revenue",
        "insert into finance.daily_revenue select * from finance.daily_revenue",
        "copy (select 1) to '/tmp/stolen.csv'",
        "select 1; drop table finance.daily_revenue",
        "attach '/tmp/other.db'",
    ],
)
def test_what_would_change_something_is_refused(lake, sql):
    before = lake.execute("select count(*) from finance.daily_revenue").fetchone()
    answer = shopsphere("query", sql)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert "refused" in answer.stderr or "one statement at a time" in answer.stderr
    assert lake.execute("select count(*) from finance.daily_revenue").fetchone() == before


def test_a_mistake_in_sql_is_shown_without_a_traceback():
    answer = shopsphere("query", "select total_revenu from finance.daily_revenue")
    assert answer.returncode == 2
    assert "total_revenue" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_tables_lists_every_table_with_its_rows(lake):
    answer = shopsphere("tables")
    assert answer.returncode == 0
    listed = {line.split()[0]: line.split()[1] for line in answer.stdout.splitlines()[1:]}
    [(days,)] = lake.execute("select count(*) from finance.daily_revenue").fetchall()
    assert listed["finance.daily_revenue"] == f"{days:,}"
    assert {"raw_shop.orders", "core.fct_orders", "ops.pipeline_runs", "quality.rejects"} <= set(listed)


def test_runs_lists_the_runs_that_were_made(loaded):
    answer = shopsphere("runs", "--limit", "50")
    assert answer.returncode == 0
    for outcome in loaded:
        [line] = [line for line in answer.stdout.splitlines() if line.startswith(outcome.run_id[:8])]
        assert re.search(r"daily_update .* success", line)


def test_an_unknown_selection_names_what_comes_near():
    answer = shopsphere("materialize", "finance.daily_revenu")
    assert answer.returncode == 2
    assert "finance.daily_revenue" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_day_that_is_none_is_refused():
    answer = shopsphere("materialize", "ml.customer_features", "--as-of", "yesterday")
    assert answer.returncode == 2
    assert "YYYY-MM-DD" in answer.stderr


def test_a_branch_is_made_listed_read_and_dropped():
    assert shopsphere("branch", "create", "trial").returncode == 0
    assert "trial" in shopsphere("branch", "list").stdout
    answer = shopsphere("query", "select count(*) as days from finance.daily_revenue", "--branch", "trial", "-f", "csv")
    assert answer.stdout.startswith("days\n")
    assert shopsphere("branch", "drop", "trial").returncode == 0
    assert "trial" not in shopsphere("branch", "list").stdout
    answer = shopsphere("branch", "publish", "trial")
    assert answer.returncode == 3
    assert "there is no branch 'trial'" in answer.stderr


def test_doctor_finds_a_healthy_machine_healthy():
    answer = shopsphere("doctor")
    wrong = [line for line in answer.stdout.splitlines() if line.startswith("✗")]
    assert (answer.returncode, wrong) == (0, [])


def test_doctor_names_an_unreachable_source_and_the_next_step():
    answer = shopsphere("doctor", SHOPSPHERE_SHOP_URL="postgresql://reader:hunter2@127.0.0.1:9/shop")
    assert answer.returncode == 3
    [line] = [line for line in answer.stdout.splitlines() if line.startswith("✗")]
    assert "shop database" in line
    assert "127.0.0.1:9" in line
    assert "shopsphere up" in line
    assert "hunter2" not in answer.stdout + answer.stderr


def test_a_catalog_that_is_no_database_is_one_clear_message(tmp_path):
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "catalog.db").write_text("these are not the rows you are looking for" * 100)
    answer = shopsphere("tables", SHOPSPHERE_HOME=str(tmp_path))
    assert answer.returncode == 3
    assert "catalog.db" in answer.stderr
    assert "Next:" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_reset_deletes_what_was_generated_and_nothing_else(tmp_path):
    for name in ("lake", "dagster", "notes"):
        (tmp_path / name).mkdir()
    assert shopsphere("reset", SHOPSPHERE_HOME=str(tmp_path)).returncode == 1  # nobody there to say yes
    assert (tmp_path / "lake").exists()
    assert shopsphere("reset", "--yes", SHOPSPHERE_HOME=str(tmp_path)).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
