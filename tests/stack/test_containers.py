"""The stack in containers, held to what Docker is asked for: which lake's containers, which volumes, and nothing lost
when it does not answer. Where there is no Docker, `docker` is a program that keeps volumes in a file and writes down
what it was told.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecommerce_pipeline.operations import cleaning
from ecommerce_pipeline.operations import stack as servers
from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.operations.stack import compose, compose_project, runner, secrets
from ecommerce_pipeline.settings import Settings, get_settings

SHOPSPHERE = Path(sys.executable).with_name("shopsphere")
PROGRAM = """#!/bin/sh
here=$(dirname "$0")
echo "$@" >> "$here/told"
[ -e "$here/unreachable" ] && { echo "Cannot connect to the Docker daemon" >&2; exit 1; }
case "$*" in
  "volume ls"*) project=${*##*=}; grep "^${project}_" "$here/volumes"; exit 0 ;;
  *"down --volumes") : > "$here/volumes" ;;
esac
exit 0
"""


class Docker:
    """What was told to it, what it holds, and whether it answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "docker").write_text(PROGRAM)
        (folder / "docker").chmod(0o755)
        self.hold()

    def hold(self, *volumes: str) -> None:
        (self.folder / "volumes").write_text("".join(f"{name}\n" for name in volumes))

    def end(self) -> None:
        (self.folder / "unreachable").touch()

    @property
    def told(self) -> list[str]:
        told = self.folder / "told"
        return told.read_text().splitlines() if told.exists() else []


@pytest.fixture
def env_file(tmp_path, monkeypatch):
    path = tmp_path / ".env"
    monkeypatch.setattr("ecommerce_pipeline.settings.ENV_FILE", path)
    monkeypatch.setattr(Settings, "model_config", {**Settings.model_config, "env_file": path})
    monkeypatch.setenv("SHOPSPHERE_HOME", str(tmp_path / "var"))
    get_settings.cache_clear()
    yield path
    get_settings.cache_clear()


@pytest.fixture
def docker(tmp_path, env_file, monkeypatch):
    made = Docker(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made


def settings() -> Settings:
    get_settings.cache_clear()
    return get_settings()


def native_lake() -> None:
    cluster = settings().stack_dir / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("17\n")


def lake_in_containers(*, up: bool = True) -> None:
    """As a start leaves it, of a time when its project's name was not kept."""
    made = settings().stack_dir / "trino"
    made.mkdir(parents=True)
    (made / "password.db").touch()
    if up:
        compose_project.mark(settings()).touch()


def test_a_native_lake_stays_native_when_docker_is_installed(docker):
    native_lake()
    assert runner.choose(settings()) == "native"


@pytest.mark.parametrize("up", [True, False], ids=["after a crash", "after down"])
def test_a_lake_in_containers_waits_for_docker_and_does_not_begin_anew(docker, up):
    lake_in_containers(up=up)
    assert runner.choose(settings()) == "compose"
    docker.end()
    with pytest.raises(ServiceError, match=r"this lake is in containers, and no Docker daemon .* Next: start Docker"):
        runner.choose(settings())


def test_the_way_of_the_first_start_is_kept_and_docker_is_not_asked_again(docker, env_file):
    docker.end()
    assert runner.choose(settings()) == "native"
    runner.keep(settings(), "native")
    assert "SHOPSPHERE_STACK_RUNNER=native\n" in env_file.read_text()
    (docker.folder / "unreachable").unlink()
    assert runner.choose(settings()) == "native"


def test_two_lakes_side_by_side_are_asked_about(docker):
    native_lake()
    lake_in_containers()
    with pytest.raises(ServiceError, match=r"there are two lakes: .* Next: .*SHOPSPHERE_STACK_RUNNER=native or"):
        runner.choose(settings())


def test_two_clones_have_containers_of_their_own_and_a_moved_one_keeps_its(docker, env_file, tmp_path, monkeypatch):
    one = compose_project.name(settings())
    compose_project.keep(settings())
    monkeypatch.setenv("SHOPSPHERE_HOME", str(tmp_path / "moved"))
    assert compose_project.name(settings()) == one
    env_file.unlink()
    assert compose_project.name(settings()) not in (one, "shopsphere")


def test_a_lake_from_before_names_were_kept_stays_in_the_project_of_that_time(docker):
    docker.hold("shopsphere_minio", "shopsphere_postgresql")
    lake_in_containers(up=False)
    assert compose_project.keep(settings()).compose_project == settings().compose_project == "shopsphere"


@pytest.mark.parametrize("lost", ["minio_kms_key", "postgres_admin_password"])
def test_a_key_that_was_lost_is_not_replaced_under_the_volumes_it_opens(docker, env_file, lost):
    found = compose_project.keep(secrets.ensure(settings()))
    docker.hold(f"{found.compose_project}_minio", f"{found.compose_project}_postgresql")
    kept = [line for line in env_file.read_text().splitlines() if lost.upper() not in line]
    env_file.write_text("\n".join(kept))
    with pytest.raises(ServiceError, match=rf"SHOPSPHERE_{lost.upper()} is missing .*volume shopsphere-\w+_minio"):
        secrets.ensure(settings())
    docker.end()
    with pytest.raises(ServiceError, match="no Docker daemon with Compose answers that could say"):
        secrets.ensure(settings())


def test_an_env_file_that_was_lost_whole_is_not_made_anew_over_the_volumes(docker, env_file):
    found = compose_project.keep(secrets.ensure(settings()))
    docker.hold(f"{found.compose_project}_minio")
    env_file.unlink()
    with pytest.raises(ServiceError, match="put the lost line back from a copy"):
        secrets.ensure(settings())


def test_containers_that_could_not_be_stopped_are_not_called_stopped(docker):
    lake_in_containers()
    docker.end()
    with pytest.raises(ServiceError, match="Next: start Docker"):
        servers.stop(settings())
    assert compose.is_up(settings())
    (docker.folder / "unreachable").unlink()
    servers.stop(settings())
    assert docker.told[-1].endswith("--project-name shopsphere down")
    assert not compose.is_up(settings())


def test_a_reset_names_the_volumes_and_deletes_them(docker, env_file):
    project = compose_project.keep(settings()).compose_project
    lake_in_containers()
    docker.hold(f"{project}_minio", f"{project}_postgresql", "another_minio")
    said = subprocess.run(
        [SHOPSPHERE, "reset", "--yes"],
        capture_output=True,
        text=True,
        env={**os.environ, "SHOPSPHERE_ENV_FILE": str(env_file)},
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert f"volume {project}_minio" in said.stderr
    assert "another" not in said.stderr
    assert docker.told[-1].endswith(f"--project-name {project} down --volumes")
    assert not settings().stack_dir.exists()
    assert settings().compose_project == ""


def test_a_reset_without_docker_deletes_nothing(docker):
    compose_project.keep(settings())
    lake_in_containers()
    docker.end()
    with pytest.raises(ServiceError, match=r"the containers' volumes are not gone\. Next: start Docker"):
        cleaning.delete(settings())
    assert (settings().stack_dir / "trino" / "password.db").exists()


def test_a_native_lake_is_reset_without_docker(docker):
    native_lake()
    docker.end()
    assert servers.volumes(settings()) == []
    cleaning.delete(settings())
    assert docker.told == []
    assert not settings().stack_dir.exists()


def test_looking_makes_no_certificate_and_a_restart_does(docker):
    lake_in_containers()
    compose.states(settings())
    servers.log_command(settings(), "trino", 10, follow=False)
    assert not (settings().stack_dir / "tls").exists()
    compose.restart(settings(), "trino")
    assert (settings().stack_dir / "tls" / "server.pem").exists()
    assert docker.told[-1].endswith("up --detach --wait --force-recreate --no-deps trino")


@pytest.mark.parametrize(("heap", "limit"), [("2G", "3072m"), ("8G", "12288m"), ("512M", "1536m")])
def test_the_containers_are_told_of_workers_and_memory_by_every_command(docker, heap, limit):
    told = compose.environment(settings().model_copy(update={"trino_workers": 2, "trino_heap": heap}))
    assert (told["SHOPSPHERE_TRINO_WORKERS"], told["SHOPSPHERE_TRINO_LIMIT"]) == ("2", limit)
