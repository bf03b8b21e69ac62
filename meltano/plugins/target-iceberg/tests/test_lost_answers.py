"""A commit whose answer is lost: it landed or it did not, and no file that a table holds is ever deleted."""

from __future__ import annotations

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from sqlalchemy.exc import OperationalError
from target_iceberg import commit
from target_iceberg.errors import CommitInDoubtError

UPSERT = {"streams": [{"name": "shop-*", "mode": "upsert"}]}
BROKEN = OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))


def lose_answers(monkeypatch, error, *, of="orders", lands=True, gone=False):
    """The table's commits land, or not, and end in `error`; with `gone` the catalog cannot be asked from then on."""
    real, load = SqlCatalog.commit_table, SqlCatalog.load_table

    def unreachable(catalog, identifier):
        if identifier[-1] == of or identifier.endswith(f".{of}"):
            raise BROKEN
        return load(catalog, identifier)

    def lost(catalog, table, requirements, updates):
        if table.name()[-1] != of:
            return real(catalog, table, requirements, updates)
        if lands:
            real(catalog, table, requirements, updates)
        if gone:
            monkeypatch.setattr(SqlCatalog, "load_table", unreachable)
        raise error

    monkeypatch.setattr(SqlCatalog, "commit_table", lost)


@pytest.mark.parametrize("error", [BROKEN, CommitStateUnknownException("502")])
def test_a_commit_that_landed_though_its_answer_was_lost_is_the_runs_own(lake, singer, monkeypatch, error):
    lake.load(singer.run([1], None, 1))
    with monkeypatch.context() as patch:
        lose_answers(patch, error)
        lake.load(singer.run([2], 1, 2))
    lake.load(singer.run([3], 2, 3))
    assert lake.ids() == [1, 2, 3]


def test_the_last_attempt_that_landed_though_reported_as_failed_counts_as_well(lake, singer, monkeypatch):
    real = commit._commit_on

    def lands_and_fails(table, change):
        real(table, change)
        raise CommitFailedException("no answer")

    monkeypatch.setattr(commit, "ATTEMPTS", 1)
    monkeypatch.setattr(commit, "_commit_on", lands_and_fails)
    lake.load(singer.run([1, 2], None, 1))
    assert lake.ids() == [1, 2]


@pytest.mark.parametrize("lands", [True, False])
def test_a_commit_nobody_can_ask_about_keeps_its_files_and_the_next_run_goes_on_from_where_the_table_stands(
    lake, singer, monkeypatch, lands
):
    lake.load(singer.run([1], None, 1))
    with monkeypatch.context() as patch:
        lose_answers(patch, BROKEN, lands=lands, gone=True)
        with pytest.raises(CommitInDoubtError, match=r"raw_shop\.orders: .*OperationalError.*Next: run again"):
            lake.load(singer.run([2], 1, 2))
    assert lake.ids() == ([1, 2] if lands else [1])
    lake.load(singer.run([2, 3], 1, 3) if not lands else singer.run([3], 2, 3))
    assert lake.ids() == [1, 2, 3]


def test_a_refused_commit_leaves_no_file_behind(lake, singer, monkeypatch):
    lake.load(singer.run([1], None, 1))
    before = lake.data_files()
    with monkeypatch.context() as patch:
        lose_answers(patch, CommitFailedException("busy"), lands=False)
        with pytest.raises(commit.LoadError, match="overtaken"):
            lake.load(singer.run([2], 1, 2))
    assert lake.data_files() == before


def test_ctrl_c_after_the_commit_landed_deletes_nothing(lake, singer, monkeypatch):
    with monkeypatch.context() as patch:
        lose_answers(patch, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            lake.load(singer.run([1, 2], None, 1))
    assert lake.ids() == [1, 2]


def test_an_upsert_in_doubt_keeps_the_rows_of_all_other_keys(lake, singer, monkeypatch):
    lake.load(singer.run([1, 2], None, 1), **UPSERT)
    with monkeypatch.context() as patch:
        lose_answers(patch, BROKEN, gone=True)
        with pytest.raises(CommitInDoubtError):
            lake.load(singer.run([2, 3], 1, 2), **UPSERT)
    assert sorted(lake.ids()) == [1, 2, 3]


@pytest.mark.parametrize(("error", "gone"), [(BROKEN, False), (BROKEN, True), (KeyboardInterrupt(), False)])
def test_rejects_that_landed_though_the_answer_was_lost_can_be_read_and_stand_once(
    lake, singer, monkeypatch, error, gone
):
    messages = [singer.start(), singer.schema(), singer.record(1), singer.record("x"), singer.state(1)]
    with monkeypatch.context() as patch:
        lose_answers(patch, error, of="rejects", gone=gone)
        try:
            lake.load(messages)
        except (CommitInDoubtError, KeyboardInterrupt):
            assert lake.ids() == []
            patch.undo()
            assert len(lake.rejects()) == 1
            lake.load(messages)
    assert len(lake.rejects()) == 1
    assert lake.ids() == [1]
