"""A large table's first reading is committed in parts, and goes on after it was cut off: no row is lost or doubled."""

from __future__ import annotations

import pytest
from parts import ROWS, Pair
from tap_sql.progress import Progress


@pytest.fixture
def pair(source, tmp_path):
    source.execute("create table t (id int primary key, v text not null, updated_at timestamp not null)")
    source.execute(
        "insert into t select i, repeat('x', 100), timestamp '2017-01-01' + i * interval '1 second' "
        f"from generate_series(1, {ROWS}) i; analyze t"
    )
    return Pair(source, tmp_path)


def test_every_part_is_a_commit_and_all_of_them_are_the_table(pair):
    pair.run()
    assert pair.lake.commits("t") >= 4
    assert sorted(pair.rows().values()) == [1] * ROWS
    assert "after" not in pair.lake.state["bookmarks"][f"{pair.source.schema}-t"]
    pair.source.execute("update t set v = 'new', updated_at = updated_at + interval '1 hour' where id = 7")
    pair.run()
    assert len(pair.rows()) == ROWS + 1


def test_a_reading_that_was_cut_off_goes_on_and_sees_what_changed_before_and_behind(pair):
    pair.run(commits=2)
    had = len(pair.rows())
    assert 1500 < had < 3000
    with pair.source.connect() as late:
        late.execute(f"insert into t values ({ROWS + 2}, 'late', timestamp '2017-01-01')")
        pair.source.execute("update t set v = 'changed' where id in (1, 2, 4999)")
        pair.source.execute(f"insert into t values ({ROWS + 1}, 'new', timestamp '2017-01-01')")
        pair.source.execute("delete from t where id = 4000")
        pair.run(commits=1)
    pair.run()
    rows = pair.rows()
    assert max(rows.values()) == 1, "a version was loaded twice"
    assert set(pair.source.query("select id, v from t")) <= set(rows)
    assert (4000, "x" * 100) not in rows
    pair.run()
    assert pair.rows() == rows


def test_rows_of_a_transaction_that_was_open_at_the_cut_come_once(pair):
    with pair.source.connect() as late:
        late.execute("update t set v = 'late' where id <= 500")
        pair.run(commits=2)
        pair.source.execute("update t set v = 'other' where id between 501 and 510")
    pair.run()
    rows = pair.rows()
    assert max(rows.values()) == 1
    assert set(pair.source.query("select id, v from t")) <= set(rows)


def test_a_full_refresh_in_parts_replaces_the_table_and_keeps_every_part(pair):
    pair.run(part_rows=1_000_000)
    pair.lake.state = {}
    pair.lake.load(pair.messages(), full_refresh=True)
    assert pair.lake.commits("t") >= 5
    assert sorted(pair.rows().values()) == [1] * ROWS
    pair.run()
    assert sorted(pair.rows().values()) == [1] * ROWS


def test_a_table_rewritten_after_the_cut_is_read_from_the_start(pair):
    pair.run(commits=2)
    with pair.source.connect() as connection:
        connection.autocommit = True
        connection.execute("vacuum full t")
    pair.run()
    assert set(pair.source.query("select id, v from t")) <= set(pair.rows())


def test_a_small_table_is_one_commit(pair):
    pair.run(part_rows=1_000_000)
    assert pair.lake.commits("t") == 1


@pytest.mark.parametrize(
    ("rows", "expected", "said"),
    [
        (1_000_000, 10_000_000, "s: 1,000,000 rows read, 100,000 rows/s, 10%, about 1 min 30 s left"),
        (1_000_000, 1_000_000_000, "s: 1,000,000 rows read, 100,000 rows/s, 0%, about 2 h 46 min left"),
        (1_000_000, None, "s: 1,000,000 rows read, 100,000 rows/s"),
        (1_000_000, 900_000, "s: 1,000,000 rows read, 100,000 rows/s"),
    ],
)
def test_the_time_left_is_told_where_it_can_be_guessed(rows, expected, said):
    progress = Progress("s", expected)
    progress.add(rows)
    assert progress.line(10.0) == said
