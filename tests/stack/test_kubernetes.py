"""The values for the official charts say what the stack's own files say; nothing here needs a cluster."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ecommerce_pipeline.settings import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
# what the chart of Trino writes into its own configuration, from keys of its own
THE_CHARTS_OWN = {
    "coordinator",
    "node-scheduler.include-coordinator",
    "http-server.http.port",
    "discovery.uri",
    "http-server.https.enabled",
    "http-server.https.port",
    "http-server.https.keystore.path",
    "http-server.authentication.type",
    "query.max-memory",
    "query.max-memory-per-node",
    "memory.heap-headroom-per-node",
}


def values(name: str) -> dict:
    return yaml.safe_load((KUBERNETES / name).read_text())


def properties(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_trino_is_of_the_version_that_compose_runs(compose):
    image = compose["services"]["trino"]["image"]
    assert image == f"trinodb/trino:{values('trino.yaml')['image']['tag']}"


def test_every_setting_of_the_coordinator_is_carried_over():
    chart = values("trino.yaml")
    lines = chart["additionalConfigProperties"] + chart["server"]["coordinatorExtraConfig"].splitlines()
    added = dict(line.split("=", 1) for line in lines)
    ours = properties(ROOT / "trino" / "config.properties")
    assert {name: ours[name] for name in added} == added
    assert ours.keys() - added.keys() == THE_CHARTS_OWN


def test_every_variable_that_a_catalog_reads_is_given_or_named_as_a_secret():
    text = (KUBERNETES / "trino.yaml").read_text()
    secrets = set(re.findall(r"LAKE_\w+|TRINO_\w+", text.split("secrets in shopsphere-trino:")[1].split("env:")[0]))
    given = {variable["name"] for variable in values("trino.yaml")["env"]} | secrets
    catalogs = sorted((ROOT / "trino" / "catalog").glob("*.properties"))
    for path in catalogs:
        assert set(re.findall(r"\$\{ENV:(\w+)}", path.read_text())) <= given, path
        assert f"catalogs.{path.stem}=trino/catalog/{path.name}" in text


def test_the_dagster_chart_is_of_the_locked_version_and_runs_one_run_at_a_time():
    from importlib.metadata import version

    text, found = (KUBERNETES / "dagster.yaml").read_text(), values("dagster.yaml")
    assert f"--version {version('dagster')}" in text
    queue = found["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert queue["maxConcurrentRuns"] == 1
    [deployment] = found["dagster-user-deployments"]["deployments"]
    assert deployment["dagsterApiGrpcArgs"] == ["-m", "ecommerce_pipeline.definitions"]


@pytest.mark.parametrize("name", ["trino.yaml", "dagster.yaml"])
def test_no_values_file_holds_a_secret(name):
    assert not re.search(r"(?i)^\s*[^#\n]*(password|secret_?key)\s*:\s*\S", (KUBERNETES / name).read_text(), re.M)
