"""Raw tables as assets, through the real Meltano, taps and target: what they say is what was committed."""

from dataclasses import dataclass

import pytest

from ecommerce_pipeline.ingestion import assets
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.settings import Settings

from .conftest import HEADER, event, failure, make_settings, materialize, metadata, rows


@dataclass
class Lived:
    """A lake after three runs, and what was seen of them."""

    settings: Settings
    said: list[dict[str, dict[str, object]]]
    tries_of_crm: int


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """Good and bad lines while somebody else writes one of the tables, then nothing new, then more of one file."""
    home = tmp_path_factory.mktemp("ingested")
    settings = make_settings(home)
    hour = home / "events" / "2017-12-15" / "13.jsonl"
    hour.write_text(event(1) + '{"event_id": "broken", "user_id": 7\n' + event(2, user_id="seven") + event(3))
    crm = home / "crm" / "demographics.csv"
    good = HEADER + "1,25-34,,Owner,Single,2,Couple,0\n"
    crm.write_bytes(good.encode() + "2,Zoë,,,,,,\n3,too few\n".encode("latin-1"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TARGET_ICEBERG_STREAMS", '[{"name": "web-*", "partition_by": ["day(timestamp)"]}]')
        tries = held_until_the_first_failure(settings, "raw_crm.demographics", patch)
        first = materialize(settings, "raw_web.events", "raw_crm.demographics")
    second = materialize(settings, "raw_web.events")
    with hour.open("a") as file:
        file.write(event(4))
    third = materialize(settings, "raw_web.events")
    return Lived(settings, [metadata(result) for result in (first, second, third)], len(tries))


def held_until_the_first_failure(settings, address, patch):
    """Hold the table's lease until a run has failed; the tries of tap-crm are noted."""
    lease, tries, real = hold(settings, [f"table:{address}"], "somebody else"), [], assets.meltano.run
    lease.__enter__()

    def run(given, request, listen):
        if request.extractor == "tap-crm":
            tries.append(request)
        try:
            real(given, request, listen)
        except assets.meltano.IngestionError:
            lease.__exit__(None, None, None)
            raise

    patch.setattr(assets, "FIRST_WAIT_SECONDS", 0)
    patch.setattr(assets.meltano, "run", run)
    return tries


def test_a_table_that_somebody_writes_is_tried_again_until_it_is_free(lived):
    assert lived.tries_of_crm == 2
    assert lived.said[0]["raw_crm.demographics"]["commit_seq"] == 1


def test_a_run_tells_rows_added_rows_bytes_snapshot_bookmark_and_rejects(lived):
    first = lived.said[0]
    web, crm = first["raw_web.events"], first["raw_crm.demographics"]
    assert (web["rows_added"], web["dagster/row_count"], web["rejects"], web["commit_seq"]) == (2, 2, 2, 1)
    assert (crm["rows_added"], crm["dagster/row_count"], crm["rejects"]) == (2, 2, 1)
    assert int(web["snapshot_id"]) > 0
    assert web["bytes"] > 0
    assert web["seconds"] > 0
    assert "2017-12-15" in web["bookmark"]
    types = {column.name: column.type for column in web["dagster/column_schema"].columns}
    assert (types["user_id"], types["timestamp"], types["properties"]) == ("long", "timestamp", "string")


def test_a_run_with_nothing_new_materialises_no_rows_and_leaves_the_table_alone(lived):
    first, second, _ = lived.said
    before, after = first["raw_web.events"], second["raw_web.events"]
    assert (after["rows_added"], after["rejects"], after["dagster/row_count"]) == (0, 0, 2)
    assert after["snapshot_id"] == before["snapshot_id"]


def test_a_file_that_grew_adds_its_new_rows_only(lived):
    third = lived.said[2]
    assert (third["raw_web.events"]["rows_added"], third["raw_web.events"]["dagster/row_count"]) == (1, 3)
    assert sorted(row["event_id"] for row in rows(lived.settings, "raw_web.events")) == ["e1", "e3", "e4"]


def test_what_was_rejected_stands_in_quality_rejects_with_reason_place_and_text(lived):
    found = {(row["source_table"], row["position"]): row for row in rows(lived.settings, "quality.rejects")}
    assert {key: row["rule"] for key, row in found.items()} == {
        ("events", "2017-12-15/13.jsonl:2"): "well_formed",
        ("events", "2017-12-15/13.jsonl:3"): "declared_type",
        ("demographics", "demographics.csv:4"): "column_count",
    }
    broken = found["events", "2017-12-15/13.jsonl:2"]
    assert (broken["raw_record"], broken["customer_id"]) == ('{"event_id": "broken", "user_id": 7', 7)
    assert found["demographics", "demographics.csv:4"]["customer_id"] == 3


def test_latin_1_text_arrives_as_text(lived):
    assert {row["age"] for row in rows(lived.settings, "raw_crm.demographics")} == {"25-34", "Zoë"}


def test_a_source_that_is_not_there_is_one_clear_line_and_no_retry(settings, tmp_path):
    (tmp_path / "crm").rmdir()
    result = materialize(settings, "raw_crm.demographics")
    assert not result.success
    told = failure(result)
    assert f"there is no folder {tmp_path / 'crm'}. Next:" in told
    assert "Traceback" not in told
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


def test_a_streams_layout_reaches_its_table_through_meltano(lived):
    spec = open_catalog(lived.settings).load_table("raw_web.events").spec()
    assert [(field.name, str(field.transform)) for field in spec.fields] == [("timestamp_day", "day")]
