"""Secrets: made once, kept private, never replaced under the data that they lock."""

import os
import stat

import pytest

from ecommerce_pipeline import env_file as private_files
from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.operations.stack import secrets
from ecommerce_pipeline.operations.stack.buckets import policy_of
from ecommerce_pipeline.settings import Settings, get_settings


@pytest.fixture
def env_file(tmp_path, monkeypatch):
    path = tmp_path / ".env"
    monkeypatch.setattr("ecommerce_pipeline.settings.ENV_FILE", path)
    monkeypatch.setattr(Settings, "model_config", {**Settings.model_config, "env_file": path})
    monkeypatch.setenv("SHOPSPHERE_HOME", str(tmp_path / "var"))
    get_settings.cache_clear()
    yield path
    get_settings.cache_clear()


def test_the_first_start_makes_every_secret_and_the_second_none(env_file):
    env_file.write_text("# mine\nSHOPSPHERE_BRANCH=lake\n")
    made = secrets.ensure(get_settings())
    assert all(secrets.secret(made, name) for name in secrets.generated())
    written = env_file.read_text()
    assert written.startswith("# mine\nSHOPSPHERE_BRANCH=lake\n")
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    secrets.ensure(get_settings())
    assert env_file.read_text() == written


def test_no_two_secrets_are_alike(env_file):
    made = secrets.ensure(get_settings())
    values = [secrets.secret(made, name) for name in secrets.generated()]
    assert len(set(values)) == len(values)


def test_a_key_that_was_lost_is_not_replaced_under_its_data(env_file):
    settings = secrets.ensure(get_settings())
    (settings.stack_dir / "minio").mkdir(parents=True)
    kept = [line for line in env_file.read_text().splitlines() if "KMS" not in line]
    env_file.write_text("\n".join(kept))
    get_settings.cache_clear()
    with pytest.raises(ServiceError, match=r"SHOPSPHERE_MINIO_KMS_KEY is missing .* Next: put the lost line back"):
        secrets.ensure(get_settings())


def test_a_power_cut_finds_the_old_file_or_the_new_one_whole(tmp_path, monkeypatch):
    """Its text is on disk before it takes the name, and the name is before anybody relies on it."""
    path, happened, settle, rename = tmp_path / ".env", [], os.fsync, os.replace

    def settled(descriptor):
        settle(descriptor)
        found = os.fstat(descriptor)
        happened.append("the folder is on disk" if stat.S_ISDIR(found.st_mode) else f"{found.st_size} bytes are")

    def renamed(draft, target):
        rename(draft, target)
        happened.append("it has its name")

    monkeypatch.setattr(os, "fsync", settled)
    monkeypatch.setattr(os, "replace", renamed)
    private_files.write_private(path, "KEY=1\n")
    assert path.read_text() == "KEY=1\n"
    assert happened == ["6 bytes are", "it has its name", "the folder is on disk"]


def test_a_secret_reaches_a_server_by_a_private_file_and_not_by_its_command(tmp_path):
    command = secrets.with_secrets(tmp_path / "x.env", {"TOKEN": "hunter2"}, ["env"])
    assert "hunter2" not in " ".join(command)
    assert stat.S_IMODE((tmp_path / "x.env").stat().st_mode) == 0o600


def test_meltano_may_not_touch_what_is_made_of_its_tables():
    [_listing, writing] = policy_of("ingestion", "lake")["Statement"]
    assert writing["Resource"] == ["arn:aws:s3:::lake/warehouse/raw_*", "arn:aws:s3:::lake/warehouse/quality/rejects*"]
