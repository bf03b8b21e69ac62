"""docker-compose.yml, without a daemon: it is valid, it is pinned, it listens on this machine only, it holds no
secret, and it starts what the native way starts.
"""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from ecommerce_pipeline.operations.stack import trino_distribution
from ecommerce_pipeline.operations.stack.secrets import generated
from ecommerce_pipeline.settings import ROOT, Settings
from ecommerce_pipeline.stack_settings import StackSettings

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
TRINO_FILES = sorted((ROOT / "trino").rglob("*.properties"))


def test_the_file_is_valid_by_the_compose_specification():
    schema = json.loads(Path(__file__).with_name("compose-spec.json").read_text())
    faults = [
        f"{list(e.absolute_path)}: {e.message}" for e in jsonschema.Draft202012Validator(schema).iter_errors(COMPOSE)
    ]
    assert faults == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_checked_limited_and_kept_to_this_machine(name):
    service = SERVICES[name]
    assert re.fullmatch(r"[\w./-]+:[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?", service["image"])
    assert service["healthcheck"]["test"]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_both_ways_run_the_same_trino():
    assert SERVICES["trino"]["image"] == f"trinodb/trino:{trino_distribution.VERSION}"
    assert "./trino:/lakehouse/etc:ro" in SERVICES["trino"]["volumes"]
    assert "./deploy/trino/run.sh:/lakehouse/run.sh:ro" in SERVICES["trino"]["volumes"]


@pytest.mark.parametrize("service", ["trino", "trino-worker"])
def test_a_container_is_given_every_variable_that_its_files_name(service):
    given = set(SERVICES[service]["environment"]) | {secret["target"] for secret in SERVICES[service]["secrets"]}
    named = {name for path in TRINO_FILES for name in re.findall(r"\$\{ENV:(\w+)\}", path.read_text())}
    assert named <= given


@pytest.mark.parametrize("service", ["trino", "trino-worker"])
def test_what_is_replaced_while_a_container_runs_is_mounted_by_its_folder(service):
    """A single file that is mounted stays the one that was there when the container was made."""
    made = [volume for volume in SERVICES[service]["volumes"] if "STACK_DIR" in volume]
    assert sorted(volume.split(":")[-2] for volume in made) == ["/lakehouse/tls", "/lakehouse/users"]
    assert all(Path(volume.rpartition("}")[2].split(":")[0]).suffix == "" for volume in made)
    told = SERVICES[service]["environment"]
    assert (told["TRINO_TLS_FILE"], told["TRINO_PASSWORD_FILE"]) == (
        "/lakehouse/tls/server.pem",
        "/lakehouse/users/password.db",
    )


def test_every_command_knows_how_many_workers_are_wanted():
    assert SERVICES["trino-worker"]["scale"] == "${SHOPSPHERE_TRINO_WORKERS:-0}"


def test_the_native_way_gives_every_variable_too(tmp_path):
    from ecommerce_pipeline.operations.stack import trino

    given = set(trino.variables(Settings(_env_file=None, home=tmp_path, profile="stack")))
    named = {name for path in TRINO_FILES for name in re.findall(r"\$\{ENV:(\w+)\}", path.read_text())}
    assert named <= given


def test_every_secret_is_one_that_is_generated_and_is_never_a_variable_of_a_container():
    sources = {secret["environment"] for secret in COMPOSE["secrets"].values()}
    assert sources <= {f"SHOPSPHERE_{name.upper()}" for name in generated()}
    variables = json.dumps([service.get("environment", {}) for service in SERVICES.values()])
    assert not any(source in variables for source in sources)


def test_every_setting_of_the_stack_is_in_the_example():
    example = (ROOT / ".env.example").read_text()
    missing = [name for name in StackSettings.model_fields if f"#SHOPSPHERE_{name.upper()}=" not in example]
    assert missing == []
