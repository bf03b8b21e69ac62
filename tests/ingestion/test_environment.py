"""What Meltano is told: everything meltano.yml names, from a shell as from Dagster, and for nobody else's eyes."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor

from dotenv import dotenv_values

from ecommerce_pipeline import environment
from ecommerce_pipeline.environment import resolved, variables, write_shell_environment
from ecommerce_pipeline.settings import Settings


def test_every_variable_that_meltano_yml_names_is_rendered(settings):
    text = (settings.root / "meltano" / "meltano.yml").read_text()
    named = set(re.findall(r"(?<!the )\$(SHOPSPHERE_[A-Z_]+)", text))
    assert len(named) >= 8
    assert named <= variables(settings).keys()


def test_a_teams_own_values_in_the_env_file_go_along(settings, tmp_path, monkeypatch):
    (tmp_path / "own.env").write_text("SHOPSPHERE_ERP_URL=mysql://erp\n")
    monkeypatch.setattr(Settings, "env_file", tmp_path / "own.env")
    assert variables(settings)["SHOPSPHERE_ERP_URL"] == "mysql://erp"


def test_the_file_for_the_shell_is_private_and_reads_back_exactly(settings, tmp_path, monkeypatch):
    awkward = settings.model_copy(update={"hubspot_url": 'it\'s "$HOME" \\ and #more'})
    (tmp_path / "meltano").mkdir()
    monkeypatch.setattr(Settings, "root", tmp_path)
    path = write_shell_environment(awkward)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert dotenv_values(path) == variables(awkward)


def test_steps_that_write_the_file_at_the_same_moment_do_not_disturb_each_other(settings, tmp_path, monkeypatch):
    (tmp_path / "meltano").mkdir()
    monkeypatch.setattr(Settings, "root", tmp_path)
    with ThreadPoolExecutor(8) as threads:
        written = list(threads.map(lambda _: write_shell_environment(settings), range(400)))
    assert dotenv_values(written[0]) == variables(settings)
    assert list(written[0].parent.iterdir()) == [written[0]]


def test_names_in_settings_are_resolved_with_and_without_braces():
    assert resolved("$A/${B}/$C-", {"A": "1", "B": "2"}) == "1/2/-"
    assert environment.LEASE.count(":") == 1
