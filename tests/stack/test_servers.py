"""The servers as they run: what is in them, who may do what, what a kill, a restart and a repeated start leave."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg
import pytest
from minio import Minio
from minio.error import S3Error

from ecommerce_pipeline.lakehouse import branch, reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.errors import LakehouseError, QueryRefused
from ecommerce_pipeline.operations import stack as servers
from ecommerce_pipeline.operations.stack import databases, secrets
from ecommerce_pipeline.operations.stack.buckets import KEPT_DAYS, ROOT
from ecommerce_pipeline.operations.stack.trino import as_user
from ecommerce_pipeline.settings import Settings

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]
GB = 1024**3


def store(settings: Settings, user: str, secret: str) -> Minio:
    host = settings.object_store.partition("://")[2]
    return Minio(endpoint=host, access_key=user, secret_key=secrets.secret(settings, secret), secure=False)


@pytest.fixture(scope="module")
def table(stack: Settings) -> str:
    """A mart, written by PyIceberg."""
    import pyarrow as pa

    rows = pa.table({"day": ["2017-01-01", "2017-01-02"], "orders": pa.array([3, 4], pa.int64())})
    catalog = open_catalog(stack)
    catalog.create_namespace_if_not_exists("finance")
    catalog.create_table("finance.probe", rows.schema).append(rows)
    return "finance.probe"


def test_all_run_within_four_gigabytes(stack):
    states = servers.states(stack)
    assert {state.name for state in states} >= {"minio", "postgresql", "trino"}
    assert all(state.is_well for state in states)
    assert sum(state.memory for state in states) < 4 * GB


def test_what_pyiceberg_writes_trino_reads(stack, table):
    with reader.connect(stack) as connection:
        assert connection.execute(f"select sum(orders) from {table}").fetchone() == [7]


def test_a_branch_is_a_catalog_of_its_own_and_production_does_not_see_it(stack, table):
    branch.create(stack, "lake_next")
    try:
        with reader.connect(stack, "lake_next") as connection:
            connection.execute(
                f"create or replace table {table} as select day, orders * 10 as orders from {table}"
            ).fetchall()
            assert connection.execute(f"select sum(orders) from {table}").fetchone() == [70]
        with reader.connect(stack) as connection:
            assert connection.execute(f"select sum(orders) from {table}").fetchone() == [7]
    finally:
        branch.drop(stack, "lake_next")


def test_an_analyst_reads_a_mart_and_can_change_nothing(stack, table):
    with reader.connect(as_user(stack, "analyst")) as connection:
        assert connection.execute(f"select count(*) from {table}").fetchone() == [2]
        with pytest.raises(QueryRefused, match="PERMISSION_DENIED"):
            connection.execute(f"delete from {table}").fetchall()


def test_what_is_hidden_of_a_table_is_hidden_in_its_metadata_too(stack):
    """Each data file is listed with the least and the greatest value of every column."""
    import pyarrow as pa

    rows = pa.table({"customer_id": ["c1"], "email": ["anna@example.com"]})
    catalog = open_catalog(stack)
    catalog.create_namespace_if_not_exists("core")
    table = catalog.create_table("core.dim_customers", rows.schema)
    table.append(rows)
    table.append(rows)
    first, last = (one.snapshot_id for one in table.snapshots())
    changes = f"lake.system.table_changes('core', 'dim_customers', {first}, {last})"
    bounds = 'select lower_bounds, readable_metrics from core."dim_customers$files"'
    with reader.connect(stack) as connection:
        assert "anna@example.com" in str(connection.execute(bounds).fetchall())
    with reader.connect(as_user(stack, "superset")) as connection:
        assert connection.execute("select * from core.dim_customers").fetchall() == [["c1"], ["c1"]]
        assert "anna" not in str(connection.execute("show stats for core.dim_customers").fetchall())
        for beside in ("files", "partitions", "entries", "all_entries", "history", "manifests", "properties"):
            with pytest.raises(QueryRefused, match=r"PERMISSION_DENIED|not allowed"):
                connection.execute(f'select * from core."dim_customers${beside}"').fetchall()
        for query in (bounds, f"select * from table({changes})", "select email from core.dim_customers"):
            with pytest.raises(QueryRefused, match="PERMISSION_DENIED"):
                connection.execute(query).fetchall()


def test_an_analyst_sees_no_branch_and_nothing_below_the_marts(stack, table):
    open_catalog(stack).create_namespace_if_not_exists("staging")
    with reader.connect(as_user(stack, "analyst")) as connection:
        assert ["staging"] not in connection.execute("show schemas").fetchall()
        assert connection.execute("show catalogs").fetchall() == [["lake"], ["system"]]


def test_the_pipeline_builds_on_branches_and_cannot_write_production_through_trino(stack, table):
    with reader.connect(stack) as connection:
        assert connection.execute(f"select count(*) from {table}").fetchone() == [2]
        for change in (f"delete from {table}", f"drop table {table}", "create table finance.mine (day varchar)"):
            with pytest.raises(QueryRefused, match="PERMISSION_DENIED"):
                connection.execute(change).fetchall()
        with pytest.raises(QueryRefused, match="PERMISSION_DENIED"):
            connection.execute(f"delete from lake_maintenance.{table}").fetchall()


def test_a_wrong_password_is_refused(stack):
    stranger = as_user(stack, "admin").model_copy(update={"trino_password": stack.trino_password})
    with reader.connect(stranger) as connection, pytest.raises(LakehouseError, match="401"):
        connection.execute("select 1")


def test_analysts_and_the_pipeline_wait_in_different_queues(stack):
    for user in ("pipeline", "analyst"):
        with reader.connect(as_user(stack, user)) as connection:
            connection.execute(f"select '{user} was here'").fetchall()
    with reader.connect(as_user(stack, "admin")) as connection:
        found = connection.execute(
            'select "user", max(resource_group_id) from system.runtime.queries '
            "where query like '%was here%' and \"user\" <> 'admin' group by 1 order by 1"
        ).fetchall()
    assert found == [["analyst", ["analysts"]], ["pipeline", ["pipeline"]]]


def test_objects_are_versioned_and_encrypted_with_our_key(stack, table):
    root = store(stack, ROOT, "minio_root_password")
    assert root.get_bucket_versioning(bucket_name=stack.s3_bucket).status == "Enabled"
    [found, *_] = root.list_objects(bucket_name=stack.s3_bucket, prefix="warehouse/finance/", recursive=True)
    headers = root.stat_object(bucket_name=stack.s3_bucket, object_name=found.object_name).metadata
    assert headers["x-amz-server-side-encryption"] == "AES256"
    raw = [
        path.read_bytes()
        for path in (stack.stack_dir / "minio" / stack.s3_bucket / "warehouse").rglob("*")
        if path.is_file()
    ]
    assert raw
    assert not any(b"iceberg.schema" in content for content in raw)


def test_what_was_deleted_is_forgotten_with_the_mark_of_its_deletion(stack):
    root = store(stack, ROOT, "minio_root_password")
    [rule] = root.get_bucket_lifecycle(bucket_name=stack.s3_bucket).rules
    assert rule.status == "Enabled"
    assert rule.noncurrent_version_expiration.noncurrent_days == KEPT_DAYS
    assert rule.expiration.expired_object_delete_marker


def test_meltano_writes_raw_tables_and_nothing_that_is_made_of_them(stack):
    import io

    ingestion = store(stack, "ingestion", "s3_ingestion_secret_key")
    put = {"bucket_name": stack.s3_bucket, "data": io.BytesIO(b"x"), "length": 1}
    ingestion.put_object(object_name="warehouse/raw_shop/orders/x", **put)
    with pytest.raises(S3Error, match="AccessDenied"):
        ingestion.put_object(object_name="warehouse/finance/probe/x", **{**put, "data": io.BytesIO(b"x")})


def test_a_backup_reads_everything_and_writes_nothing(stack, table):
    import io

    backup = store(stack, "backup", "s3_backup_secret_key")
    assert list(backup.list_objects(bucket_name=stack.s3_bucket, recursive=True, include_version=True))
    with pytest.raises(S3Error, match="AccessDenied"):
        backup.put_object(bucket_name=stack.s3_bucket, object_name="warehouse/x", data=io.BytesIO(b"x"), length=1)


@pytest.mark.parametrize("name", databases.DATABASES)
def test_each_database_has_an_owner_who_cannot_enter_the_others(stack, name):
    address = stack.postgres_address(name).replace("+psycopg", "")
    with psycopg.connect(address) as db:
        db.execute("create table if not exists mine (n int)")
    other = "meltano" if name != "meltano" else "lake"
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(address.removesuffix(name) + other)


def test_no_secret_shows_in_a_log_in_a_process_list_or_in_the_supervisor(stack):
    values = {name: secrets.secret(stack, name) for name in secrets.generated()}
    logs = [path.read_text(errors="replace") for path in stack.log_dir.glob("*.log")]
    configuration = [path.read_text() for path in (stack.home / "run").rglob("*.conf")]
    commands = subprocess.run(["ps", "axww", "-o", "command"], capture_output=True, text=True, check=True).stdout
    shown = {name for name, value in values.items() if any(value in text for text in [*logs, *configuration, commands])}
    assert shown == set()


def test_files_with_secrets_are_private(stack):
    private = [stack.env_file, *(stack.stack_dir / "run").glob("*.env"), stack.stack_dir / "tls" / "server.pem"]
    private.append(stack.stack_dir / "trino" / "password.db")
    assert [path for path in map(Path, private) if path.stat().st_mode & 0o077] == []


def test_no_server_listens_beyond_this_machine(stack):
    listening = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout
    ports = {
        str(getattr(stack, f"{name}_port")) for name in ("minio", "postgres", "mariadb", "trino", "trino_internal")
    }
    places = {place for place, port in re.findall(r"LISTEN\s+\d+\s+\d+\s+(\S+):(\d+)", listening) if port in ports}
    assert places <= {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"}


def test_a_start_that_is_repeated_starts_nothing(stack):
    before = {state.name: state.state for state in servers.states(stack)}
    ids = _ids(stack)
    servers.start(stack)
    assert _ids(stack) == ids
    assert {state.name: state.state for state in servers.states(stack)} == before


@pytest.mark.parametrize("name", ["minio", "postgresql"])
def test_a_server_that_is_killed_comes_back_with_its_data(stack, table, name):
    import os
    import signal

    from ecommerce_pipeline.operations import services

    [victim] = [found.pid for found in services.status(stack) if found.name == name]
    os.kill(victim, signal.SIGKILL)
    servers.start(stack)
    assert open_catalog(stack).load_table(table).scan().to_arrow().num_rows == 2


def test_a_password_is_rotated_by_deleting_its_line(stack):
    kept = [line for line in stack.env_file.read_text().splitlines() if "TRINO_ANALYST_PASSWORD" not in line]
    stack.env_file.write_text("\n".join(kept) + "\n")
    from ecommerce_pipeline.settings import get_settings

    get_settings.cache_clear()
    rotated = servers.start(get_settings())
    assert rotated.trino_analyst_password != stack.trino_analyst_password
    with reader.connect(as_user(rotated, "analyst")) as connection:
        assert _eventually(lambda: connection.execute("select 1").fetchone() == [1])


def test_a_worker_takes_part_in_queries_as_soon_as_it_is_ready_and_ends_when_it_is_not_wanted(stack):
    servers.start(stack.model_copy(update={"trino_workers": 1}))
    with reader.connect(as_user(stack, "admin")) as connection:
        nodes = connection.execute("select node_id, state from system.runtime.nodes order by 1").fetchall()
    assert nodes == [["trino", "active"], ["trino-worker-1", "active"]]
    servers.start(stack)
    assert "trino-worker-1" not in {state.name for state in servers.states(stack)}


def test_everything_stops_and_starts_again_with_its_data(stack, table):
    servers.stop(stack)
    assert servers.states(stack) == []
    servers.start(stack)
    with reader.connect(stack) as connection:
        assert connection.execute(f"select count(*) from {table}").fetchone() == [2]


def _ids(settings: Settings) -> dict[str, int]:
    from ecommerce_pipeline.operations import services

    return {found.name: found.pid for found in services.status(settings)}


def _eventually(true, seconds: float = 15.0) -> bool:
    """Trino reads its password file every five seconds."""
    import time

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            return true()
        except LakehouseError:
            time.sleep(1)
    return true()
