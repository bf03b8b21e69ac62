"""MySQL, on a real MariaDB. It comes in no wheel, so these run with the soak suite and say what to install."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

pytestmark = pytest.mark.soak


class MariaDB:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    @property
    def reader_url(self) -> str:
        return f"mysql://reader:pw@127.0.0.1:{self.port}/shop"

    def execute(self, sql: str) -> None:
        command = ["mariadb", "--no-defaults", f"--socket={self.folder / 'socket'}", "--user=root"]
        subprocess.run(command, input=sql, text=True, check=True)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDB]:
    assert shutil.which("mariadbd"), "these tests need MariaDB. Next: apt-get install mariadb-server"
    folder = Path(tempfile.mkdtemp(prefix="tap-sql-my-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    user = [f"--user={'root' if os.geteuid() == 0 else os.environ['USER']}"]
    data = [f"--datadir={folder / 'data'}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    install = ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", *user, *data]
    subprocess.run(install, check=True, **quiet)
    options = [f"--socket={folder / 'socket'}", f"--port={port}", "--bind-address=127.0.0.1"]
    process = subprocess.Popen(["mariadbd", "--no-defaults", *user, *data, *options], **quiet)
    try:
        server = MariaDB(folder, port)
        deadline = time.monotonic() + 60
        while not (folder / "socket").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        server.execute("create user reader@'127.0.0.1' identified by 'pw'; grant select on *.* to reader@'127.0.0.1'")
        yield server
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shop(mariadb, source):
    mariadb.execute("drop database if exists shop; create database shop")
    source.config_of = mariadb.reader_url
    made = type("Shop", (type(source),), {"config": property(lambda self: mysql_config(self, mariadb))})
    shop = made.__new__(made)
    shop.server, shop.schema, shop.stage = mariadb, "shop", source.stage
    return shop


def mysql_config(shop, mariadb):
    return {"url": mariadb.reader_url, "schemas": ["shop"], "stage_dir": str(shop.stage)}


def execute(shop, sql):
    shop.server.execute(f"use shop; {sql}")


def test_values_come_as_they_are(shop):
    execute(
        shop,
        "create table t (id int primary key, a tinyint, b tinyint(1), c bigint unsigned, d decimal(30,10), e "
        "double, f date,"
        " g datetime(6), h timestamp(6) null, i json, j varchar(20), k enum('x','y'), l blob, m time(3), n int "
        "unsigned);"
        "set time_zone = '+00:00';"
        "insert into t values (1, -5, 1, 18446744073709551615, 12345678901234567890.0123456789, 0.1, '2017-02-28',"
        " '2017-12-15 13:05:11.123456', '2017-12-15 13:05:11.5', '{\"a\": [1.50]}', 'ü', 'y', x'00ff', "
        "'100:00:00.5', 4000000000);"
        "insert into t (id, h) values (2, null)",
    )
    full, empty = shop.run(key=None).rows("shop-t")
    assert full == {
        "id": 1, "a": -5, "b": True, "c": Decimal(2**64 - 1), "d": Decimal("12345678901234567890.0123456789"), "e": 0.1,
        "f": date(2017, 2, 28),
        "g": datetime.fromisoformat("2017-12-15T13:05:11.123456"),
        "h": datetime.fromisoformat("2017-12-15T13:05:11.500000"), "i": '{"a": [1.50]}',
        "j": "ü", "k": "y", "l": b"\x00\xff",
        "m": "100:00:00.500", "n": 4000000000,
    }  # fmt: skip
    assert empty == {"id": 2, **dict.fromkeys(list(full)[1:])}


def test_keys_and_types_are_discovered(shop):
    execute(shop, "create table t (b int, a bigint, d decimal(12,2), primary key (a, b))")
    (entry,) = shop.catalog()["streams"]
    assert entry["key_properties"] == ["a", "b"]
    assert {n: s["x-iceberg-type"] for n, s in entry["schema"]["properties"].items()} == {
        "b": "int",
        "a": "long",
        "d": "decimal(12,2)",
    }


def test_an_incremental_run_reads_new_rows_and_the_overlap(shop):
    execute(shop, "create table t (id int primary key, updated_at datetime(6) not null)")
    days = ", ".join(f"({number}, date '2017-01-01' + interval {number} day)" for number in range(1, 51))
    execute(shop, f"insert into t values {days}")
    first = shop.run()
    execute(shop, "insert into t values (51, '2017-02-19 12:00:00'), (52, '2017-03-01')")
    second = shop.run(first.state, overlap_seconds=86400)
    assert first.ids("shop-t") == list(range(1, 51))
    assert second.ids("shop-t") == [49, 50, 51, 52]
    assert second.state["bookmarks"]["shop-t"]["replication_key_value"] == "2017-03-01T00:00:00"


def test_a_wrong_password_is_one_line_without_a_secret(shop):
    done = shop.command("--discover", url=shop.server.reader_url.replace("pw", "hunter2"))
    (text,) = [line for line in done.stderr.splitlines() if "ERROR" in line]
    assert done.returncode == 1
    assert "Access denied" in text
    assert "hunter2" not in done.stderr


def test_an_unreachable_server_is_told_at_once(shop):
    done = shop.command("--discover", url="mysql://reader:hunter2@127.0.0.1:1/shop")
    assert "Next: start the server, or check host and port" in done.stderr
    assert "hunter2" not in done.stderr
