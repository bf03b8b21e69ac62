"""What production publishes shows in a REST catalog that is not the lake's own, here Nessie, started from its jar."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pyiceberg.catalog.rest import RestCatalog

from ecommerce_pipeline.lakehouse import branch, mirror, reader
from ecommerce_pipeline.lakehouse.catalog import catalog_properties, open_catalog
from ecommerce_pipeline.lakehouse.errors import CatalogUnreadable, MirrorRefused
from ecommerce_pipeline.lakehouse.orphans import sweep
from ecommerce_pipeline.lakehouse.publish import publish
from ecommerce_pipeline.operations.stack import cache, java
from ecommerce_pipeline.settings import Settings

from .conftest import free_ports, running

pytestmark = [pytest.mark.stack, pytest.mark.soak, pytest.mark.timeout(1800)]
VERSION = "0.99.0"
JAR = f"nessie-quarkus-{VERSION}-runner.jar"
ADDRESS = f"https://repo.maven.apache.org/maven2/org/projectnessie/nessie/nessie-quarkus/{VERSION}/{JAR}"
SHA256 = "ce9fa33e2878bf5ea3981876b9e6204cabc0362b3dd82326b10e47271a78c417"
CONFIGURATION = """
quarkus.http.host=127.0.0.1
quarkus.http.port={port}
quarkus.management.host=127.0.0.1
quarkus.management.port={management}
nessie.version.store.type=IN_MEMORY
nessie.catalog.default-warehouse=company
nessie.catalog.warehouses.company.location=s3://{bucket}/warehouse_of_others/
nessie.catalog.service.s3.default-options.endpoint={store}
nessie.catalog.service.s3.default-options.path-style-access=true
nessie.catalog.service.s3.default-options.region={region}
nessie.catalog.service.s3.default-options.access-key=urn:nessie-secret:quarkus:store
store.name={key}
store.secret={secret}
"""


def fetched(folder: Path) -> None:
    with urllib.request.urlopen(ADDRESS, timeout=60) as answer, (folder / JAR).open("wb") as file:
        while chunk := answer.read(1 << 20):
            file.write(chunk)
    assert cache.sha256(folder / JAR) == SHA256


@pytest.fixture(scope="module")
def lake() -> Iterator[Settings]:
    """The stack, told to show production in the catalog that stands on the given port."""
    port, management = free_ports(20)[-2:]
    jar = cache.entry(f"nessie-{VERSION}", fetched) / JAR
    with running(MIRROR_URI=f"http://127.0.0.1:{port}/iceberg", MIRROR_WAREHOUSE="company") as settings:
        store = {"store": settings.object_store, "bucket": settings.s3_bucket, "region": settings.s3_region}
        user = {"key": "root", "secret": settings.minio_root_password.get_secret_value()}
        file = settings.home / "nessie.properties"
        file.touch(mode=0o600)
        file.write_text(CONFIGURATION.format(port=port, management=management, **store, **user))
        environment = {"QUARKUS_CONFIG_LOCATIONS": str(file)}
        command = [java.java(), "-Xmx512m", "-jar", str(jar)]
        with (settings.home / "nessie.log").open("w") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            try:
                wait(settings, process)
                yield settings
            finally:
                process.kill()
                process.wait()


def wait(settings: Settings, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{settings.mirror_uri}/v1/config", timeout=2)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError((settings.home / "nessie.log").read_text()[-2000:])


def built(settings: Settings, *statements: str) -> None:
    """One publication of what these statements make."""
    branch.create(settings, "lake_next")
    with reader.connect(settings, "lake_next") as trino:
        for statement in ("create schema if not exists finance", *statements):
            trino.execute(statement).fetchall()
    publish(settings, "lake_next")


def elsewhere(settings: Settings) -> dict[str, list[dict]]:
    """The rows of every table there, read with nothing but that catalog's address and a right to the files."""
    files = {name: value for name, value in catalog_properties(settings).items() if name.startswith("s3.")}
    told = {"uri": settings.mirror_uri, "warehouse": "company", "header.X-Iceberg-Access-Delegation": ""}
    there = RestCatalog("there", **told, **files)
    found = [".".join(name) for schema in there.list_namespaces() for name in there.list_tables(schema)]
    return {name: rows(there.load_table(name)) for name in found}


def here(settings: Settings) -> dict[str, list[dict]]:
    with open_catalog(settings) as catalog:
        return {
            f"finance.{name}": rows(catalog.load_table(("finance", name))) for _, name in catalog.list_tables("finance")
        }


def rows(table) -> list[dict]:
    return sorted(table.scan().to_arrow().to_pylist(), key=str)


def deeds(settings: Settings) -> dict[str, str]:
    return {str(one.name): one.deed for one in mirror.follow(settings) if one.at_once}


def test_every_publication_shows_there_at_once_and_only_what_changed_moves(lake):
    built(
        lake,
        "create table finance.days as select 1 as day, decimal '1.25' as total",
        "create table finance.months as select 1 as month, decimal '9.99' as total",
        "create table finance.years as select 2017 as year",
        "create schema staging",
        "create table staging.secret as select 1 as x",
    )
    assert deeds(lake) == dict.fromkeys(("finance.days", "finance.months", "finance.years"), "registered")
    assert elsewhere(lake) == here(lake)

    built(
        lake,
        "insert into finance.days values (2, 2.50)",
        "alter table finance.days add column why varchar",
        "insert into finance.days values (3, 0.01, 'a cent')",
        "merge into finance.months m using (select 1 as month) n on m.month = n.month "
        "when matched then update set total = 4.01",
    )
    moved = {"finance.days": "moved", "finance.months": "moved", "finance.years": "as it was"}
    assert deeds(lake) == moved
    assert elsewhere(lake) == here(lake)
    assert {"day": 3, "total": here(lake)["finance.days"][-1]["total"], "why": "a cent"} in elsewhere(lake)[
        "finance.days"
    ]
    assert set(deeds(lake).values()) == {"as it was"}
    sweep(lake, timedelta(0))
    assert elsewhere(lake) == here(lake)

    built(lake, "drop table finance.years", "drop table finance.days", "create table finance.days as select 7 as day")
    assert deeds(lake) == {"finance.years": "removed", "finance.days": "registered", "finance.months": "as it was"}
    assert elsewhere(lake) == here(lake) != {}


def test_a_table_that_is_somebody_elses_is_left_alone_and_nothing_is_shown(lake):
    foreign = RestCatalog("there", uri=lake.mirror_uri, warehouse="company")
    built(lake, "create table finance.ours as select 1 as x", "insert into finance.months values (2, 1.00)")
    with open_catalog(lake) as catalog:
        schema = catalog.load_table("finance.ours").schema()
    files = {name: value for name, value in catalog_properties(lake).items() if name.startswith("s3.")}
    RestCatalog("there", uri=lake.mirror_uri, warehouse="company", **files).create_table("finance.ours", schema)
    before = elsewhere(lake)
    with pytest.raises(MirrorRefused, match=r"holds a table finance\.ours at s3://.*not this lake's.*Next: "):
        mirror.follow(lake)
    assert elsewhere(lake) == before
    foreign.drop_table("finance.ours")
    mirror.follow(lake)
    assert elsewhere(lake) == here(lake)


def test_a_catalog_that_is_not_there_is_named_and_the_next_time_it_follows(lake):
    built(lake, "insert into finance.months values (3, 1.00)")
    nowhere = lake.model_copy(update={"mirror_uri": "http://127.0.0.1:1/iceberg"})
    with pytest.raises(CatalogUnreadable, match=r"http://127\.0\.0\.1:1/iceberg does not answer"):
        mirror.follow(nowhere)
    mirror.follow(lake)
    assert elsewhere(lake) == here(lake)
