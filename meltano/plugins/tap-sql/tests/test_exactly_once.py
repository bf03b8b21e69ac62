"""What goes wrong with bookmarks, clocks and backups, PostgreSQL to Iceberg: afterwards every version stands in the
lake once, or the run is refused with the next step.
"""

from __future__ import annotations

import shutil
import time

import pytest
from lake import Lake, sync
from target_iceberg.errors import BookmarkMovedError, RecordsDisagreeError

AT = "timestamp '2017-01-01 12:00'"


class Pair:
    """A source with one table t, its catalog, and the lake it is loaded into."""

    def __init__(self, source, folder):
        self.source, self.folder = source, folder
        source.execute("create table t (id int primary key, v int, updated_at timestamp not null)")
        self.put(1, 2)
        self.lake, self.catalog = Lake(folder / "lake"), source.selected()

    @property
    def stream(self):
        return f"{self.source.schema}-t"

    def put(self, *ids, at=AT):
        for number in ids:
            self.source.execute(f"insert into t values ({number}, {number}, {at})")

    def run(self, state=None):
        if state is not None:
            self.lake.state = state
        sync(self.source.config, self.catalog, self.lake)
        return self.ids()

    def ids(self):
        return [row["id"] for row in self.lake.rows("t")]


@pytest.fixture
def pair(source, tmp_path):
    return Pair(source, tmp_path)


def test_a_state_that_is_lost_is_refused_and_the_tables_own_goes_on(pair):
    pair.run()
    kept = pair.lake.state
    pair.put(3)
    with pytest.raises(BookmarkMovedError, match=r"this run started from the bookmark null.*Next: run again"):
        pair.run(state={})
    assert pair.run(state=kept) == [1, 2, 3]


@pytest.mark.parametrize("value", ["2016-01-01T00:00:00", "2030-01-01T00:00:00"])
def test_a_state_edited_by_hand_is_refused(pair, value):
    pair.run()
    pair.put(3)
    held = pair.lake.state["bookmarks"][pair.stream]
    with pytest.raises(BookmarkMovedError, match="Next:"):
        pair.run(state={"bookmarks": {pair.stream: {**held, "replication_key_value": value}}})
    assert pair.ids() == [1, 2]


def test_the_same_state_twice_is_refused_the_second_time(pair):
    pair.run()
    held = pair.lake.state
    pair.put(3)
    pair.run()
    with pytest.raises(BookmarkMovedError):
        pair.run(state=held)
    assert pair.ids() == [1, 2, 3]


def test_a_warehouse_restored_from_a_backup_goes_on_from_there(pair):
    pair.run()
    held, backup = pair.lake.state, pair.folder / "backup"
    shutil.copytree(pair.lake.folder, backup)
    pair.put(3)
    pair.source.execute("update t set v = 0 where id = 1")
    assert sorted(pair.run()) == [1, 1, 2, 3]
    pair.put(4)
    shutil.rmtree(pair.lake.folder)
    shutil.copytree(backup, pair.lake.folder)
    assert sorted(pair.run(state=held)) == [1, 1, 2, 3, 4]
    assert sorted(pair.run()) == [1, 1, 2, 3, 4]


def test_a_restored_warehouse_with_the_state_of_before_is_refused(pair):
    pair.run()
    backup = pair.folder / "backup"
    shutil.copytree(pair.lake.folder, backup)
    pair.put(3)
    pair.run()
    shutil.rmtree(pair.lake.folder)
    shutil.copytree(backup, pair.lake.folder)
    pair.put(4)
    with pytest.raises(BookmarkMovedError, match="the state given to the tap is not the table's"):
        pair.run()
    assert pair.ids() == [1, 2]


def test_a_table_rolled_back_is_refused_until_somebody_says_what_was_meant(pair):
    pair.run()
    table = pair.lake.catalog.load_table("raw.t")
    first = table.metadata.current_snapshot_id
    pair.put(3)
    pair.run()
    pair.lake.catalog.load_table("raw.t").manage_snapshots().rollback_to_snapshot(first).commit()
    pair.put(4)
    with pytest.raises(RecordsDisagreeError, match=r"rolled the table back.*Next: if the rollback was meant"):
        pair.run()


def test_a_source_clock_that_goes_back_hides_nothing_within_the_overlap(pair):
    pair.run()
    pair.put(3, at=f"{AT} - interval '5 hours'")
    assert pair.run() == [1, 2, 3]
    pair.source.execute(f"update t set v = 9, updated_at = {AT} - interval '6 hours' where id = 3")
    assert pair.run() == [1, 2, 3, 3]
    assert pair.run() == [1, 2, 3, 3]


def test_a_clock_of_this_machine_that_goes_back_still_replaces_a_full_table(pair, monkeypatch):
    pair.catalog = pair.source.selected(key=None)
    assert pair.run() == [1, 2]
    monkeypatch.setattr(time, "time", lambda: 1.0)
    pair.source.execute("delete from t where id = 1")
    assert pair.run() == [2]


def test_a_transaction_that_commits_late_with_an_older_time_stands_in_the_lake_once(pair):
    with pair.source.connect() as late:
        late.execute(f"insert into t values (3, 3, {AT} - interval '1 hour')")
        assert pair.run() == [1, 2]
        pair.put(4)
        assert pair.run() == [1, 2, 4]
    assert pair.run() == [1, 2, 4, 3]
    assert pair.run() == [1, 2, 4, 3]


def test_a_source_restored_to_another_moment_is_read_from_the_start(pair, caplog):
    """A bookmark of a later moment than the server's cannot be compared with its rows."""
    pair.run()
    held = pair.lake.state["bookmarks"][pair.stream]
    future = int(held["snapshot"].split(":")[0]) + 10**6
    table = pair.lake.catalog.load_table("raw.t")
    from target_iceberg.record import BOOKMARK, canonical, read_record

    moved = {**held, "snapshot": f"{future}:{future}:"}
    record = read_record(table, "raw.t")
    properties = record.properties() | {BOOKMARK: canonical(moved)}
    with table.transaction() as transaction:
        transaction.set_properties(properties)
        with transaction.update_snapshot(snapshot_properties=properties).fast_append():
            pass
    with caplog.at_level("INFO"):
        assert pair.run(state={"bookmarks": {pair.stream: moved}}) == [1, 2, 1, 2]
    assert "the bookmark's snapshot does not hold here any more" in caplog.text
