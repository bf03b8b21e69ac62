"""meltano.yml is read into streams as Meltano itself would understand it, and what is wrong with it is said once."""

from pathlib import Path

import pytest
from dagster import AssetKey

from ecommerce_pipeline.ingestion.assets import raw_assets
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.sources.assets import source_assets
from ecommerce_pipeline.streams import StreamsError, extractors


class Elsewhere(Settings):
    """Settings of a project that stands in another folder."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder


@pytest.fixture
def project(tmp_path):
    (tmp_path / "meltano").mkdir()

    def project(text: str) -> Settings:
        (tmp_path / "meltano" / "meltano.yml").write_text(text)
        return Elsewhere(folder=tmp_path, home=tmp_path / "var")

    return project


def test_the_projects_own_streams_have_their_addresses_and_methods(settings):
    found = {s.stream_id: s for extractor in extractors(settings) for s in extractor.streams}
    orders, inventory, events = found["shop-orders"], found["catalog-inventory"], found["web-events"]
    assert (orders.source_key, orders.raw_key) == (AssetKey(["shop", "orders"]), AssetKey(["raw_shop", "orders"]))
    assert (orders.replication_method, orders.replication_key) == ("INCREMENTAL", "updated_at")
    assert inventory.replication_method == "FULL_TABLE"
    assert (events.extractor, events.key_properties, events.columns["properties"]) == ("tap-web", ("event_id",), "json")
    assert found["crm-demographics"].replication_method == "FULL_TABLE"
    assert len(found) == 17


def test_a_new_extractor_in_the_file_is_new_assets_in_the_graph(project):
    settings = project(
        """
plugins:
  extractors:
  - name: tap-sql
    namespace: tap_sql
    config: {stage_dir: $STAGE, url: nowhere}
    metadata: {"*": {replication-method: INCREMENTAL, replication-key: changed}}
  - name: tap-erp
    inherit_from: tap-sql
    load_schema: raw_erp
    config: {url: "mysql://$ERP"}
    select: [erp-items.*, "!erp-items.secret", erp-items.id]
"""
    )
    (extractor,) = extractors(settings)
    assert (extractor.plugin, extractor.config) == ("tap-sql", {"stage_dir": "$STAGE", "url": "mysql://$ERP"})
    (stream,) = extractor.streams
    assert (stream.replication_key, stream.raw_key) == ("changed", AssetKey(["raw_erp", "items"]))
    (raw,), (source,) = raw_assets(settings), source_assets(settings)
    assert raw.asset_deps[stream.raw_key] == {stream.source_key}
    assert source.specs_by_key[stream.source_key].kinds == {"mysql"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plugins: [", "there are no extractors to be read"),
        ("plugins: {}", "there are no extractors to be read"),
        ("plugins: {extractors: [{name: tap-a, load_schema: raw_a}]}", "tap-a names no stream"),
        ("plugins: {extractors: [{name: tap-a, load_schema: raw_a, select: ['a-*.*']}]}", "selects a-\\*, a pattern"),
        ("plugins: {extractors: [{name: tap-a, load_schema: raw_a, select: [orders.*]}]}", "does not say its system"),
        ("plugins: {extractors: [{name: tap-a, load_schema: raw_a, inherit_from: tap-b}]}", "inherits from tap-b"),
        (
            "plugins: {extractors: [{name: tap-a, load_schema: raw, select: [a-x.*]}, "
            "{name: tap-b, load_schema: raw, select: [b-x.*]}]}",
            "raw.x would be written by tap-a/a-x and by tap-b/b-x",
        ),
    ],
)
def test_a_file_that_cannot_be_understood_is_one_clear_error(project, text, message):
    settings = project(text)
    for read in (extractors, raw_assets, source_assets):
        with pytest.raises(StreamsError, match=message):
            read(settings)


def test_a_stream_that_is_upserted_is_not_described_as_a_log(project):
    settings = project(
        """
plugins:
  extractors:
  - {name: tap-erp, namespace: x, load_schema: raw_erp, select: [erp-items.*, erp-moves.*],
     metadata: {"*": {replication-method: INCREMENTAL, replication-key: changed}}}
  loaders:
  - name: target-iceberg
    config: {streams: [{name: "*-items", mode: upsert}, {name: erp-*, sort_by: [id]}]}
"""
    )
    (items,) = raw_assets(settings)
    said = {spec.key.path[-1]: spec.description for spec in items.specs}
    assert "the last version of each key" in said["items"]
    assert "append-only log" in said["moves"]


def test_a_missing_file_is_named_with_the_next_step(tmp_path):
    with pytest.raises(StreamsError, match=r"meltano\.yml cannot be read.*Next:"):
        extractors(Elsewhere(folder=tmp_path, home=tmp_path / "var"))
