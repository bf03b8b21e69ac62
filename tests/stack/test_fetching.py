"""What is fetched once: interrupted, damaged, impossible; each is said in one line and may be tried again."""

import sys

import pytest

from ecommerce_pipeline.operations.services import Program, ServiceError, start, stop
from ecommerce_pipeline.operations.stack import cache, java, minio, trino_distribution
from ecommerce_pipeline.settings import Settings


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_an_entry_that_was_interrupted_is_made_again(cache_folder):
    def interrupted(target):
        (target / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.entry("thing", interrupted)
    assert not (cache_folder / "thing").exists()
    made = cache.entry("thing", lambda target: (target / "whole").touch())
    assert [path.name for path in made.iterdir()] == ["whole"]


def test_a_full_disk_is_one_line(cache_folder):
    def full(target):
        raise OSError(28, "No space left on device")

    with pytest.raises(ServiceError, match=r"the disk is full: no room is left in .* Next: free 3 GB"):
        cache.entry("thing", full)


def test_a_command_that_fails_is_told_with_its_last_words(cache_folder):
    cache_folder.mkdir()
    command = [sys.executable, "-c", "import sys; sys.exit('no such module')"]
    with pytest.raises(ServiceError, match=r"building it failed: no such module\. Next: read .*last-command\.log"):
        cache.run("building it", command, lambda: "")


def test_an_archive_with_a_wrong_checksum_is_fetched_once_more(cache_folder, monkeypatch):
    fetched = []

    def fetch(_repository, folder):
        folder.mkdir(parents=True)
        (folder / "trino-server-476.tar.gz").write_bytes(b"half")
        fetched.append(folder)

    monkeypatch.setattr(trino_distribution, "_fetch", fetch)
    with pytest.raises(ServiceError, match="does not have the checksum it must have, twice"):
        trino_distribution.home()
    assert len(fetched) == 2
    assert not fetched[0].exists()


def test_a_missing_go_says_what_to_install(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(ServiceError, match=r"Go is missing\. Next: install Go 1\.24"):
        minio.binary()


def test_an_old_java_is_passed_over(tmp_path, monkeypatch):
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"17.0.15\" 2025-04-15' >&2\n")
    old.chmod(0o755)
    assert java.version(str(old)) == 17
    monkeypatch.setattr("shutil.which", lambda name, **_: str(old) if name == "java" else None)
    monkeypatch.setattr(java, "_fetch", lambda target: None)
    with pytest.raises(ServiceError, match="Trino needs Java 24 or later"):
        java.java()


def test_a_port_that_is_taken_is_named_with_its_setting(tmp_path):
    import socket

    settings = Settings(_env_file=None, home=tmp_path / "var")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        program = Program("thing", ["sleep", "60"], ports={"SHOPSPHERE_THING_PORT": port})
        try:
            with pytest.raises(ServiceError, match=f"port {port}, which thing needs, .* set SHOPSPHERE_THING_PORT"):
                start(settings, [program])
        finally:
            stop(settings)
