"""What `superset/reports.yaml` may say, and what is said of the rest."""

import shutil

import pytest
import yaml

from ecommerce_pipeline.dashboards import files, reports
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.settings import ROOT, Settings

ALERT = "revenue_out_of_the_ordinary"


@pytest.fixture
def changed(tmp_path, monkeypatch, assets, found):
    """Reads the file with one value of the alert changed."""
    monkeypatch.setattr(Settings, "root", tmp_path)

    def read(**values):
        folder = tmp_path / "superset"
        folder.mkdir()
        shutil.copy(ROOT / "superset" / "reports.yaml", folder)
        body = yaml.safe_load((folder / "reports.yaml").read_text())
        body["alerts"][ALERT].update(values)
        (folder / "reports.yaml").write_text(files.dump(body))
        return reports.read(Settings(_env_file=None), assets, found)

    return read


def test_what_is_in_git_fits(changed):
    assert ALERT in changed()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"dashboard": "executive_sale"}, "there is no dashboard 'executive_sale'"),
        ({"format": "GIF"}, "the format 'GIF' is none of PDF, PNG"),
        ({"at": "every morning"}, "no cron line"),
        ({"when": "many"}, "`when` is 'many'"),
        ({"sql": "select count(*) from finance.daily_revenu"}, "reads finance.daily_revenu"),
        ({"sql": "select email from staging.stg_shop__customers"}, "which dbt does not give to readers"),
        ({"sql": "select ((("}, "`sql` cannot be read"),
    ],
)
def test_a_schedule_that_does_not_fit_is_named_with_what_is_wrong(changed, values, said):
    with pytest.raises(DashboardsError) as refused:
        changed(**values)
    assert f"reports.yaml, {ALERT}: " in str(refused.value)
    assert said in str(refused.value)
