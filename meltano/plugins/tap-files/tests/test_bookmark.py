"""One bookmark for many files: nothing is lost, nothing is read twice, and it stays small."""

import hashlib
import json
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_files.bookmark import Listed, Plan, Progress

from .conftest import EVENTS


def line(name):
    return json.dumps({"event_id": name}).encode() + b"\n"


def ids(sent):
    return [row["event_id"] for row in sent.rows]


def test_a_run_with_nothing_new_sends_no_rows_and_the_same_bookmark(run, write):
    write("2017-01-01/00.jsonl", line("a"))
    first = run(EVENTS)
    again = run(EVENTS, first.state)
    assert ids(again) == []
    assert again.state == first.state
    assert again.types == ["STATE", "SCHEMA", "STATE"]


def test_a_file_that_grew_costs_only_its_new_lines_and_keeps_counting(run, write):
    write("2017-01-01/00.jsonl", line("a") + b"broken\n")
    state = run(EVENTS).state
    write("2017-01-01/00.jsonl", line("b"))
    grown = run(EVENTS, state)
    assert [(row["event_id"], row["_sdc_source_lineno"]) for row in grown.rows] == [("b", 3)]
    assert grown.rejects == []


def test_a_line_still_being_written_waits_and_is_then_read_once(run, write):
    write("2017-01-01/00.jsonl", line("a") + b'{"event_id"')
    first = run(EVENTS)
    assert (ids(first), first.rejects) == (["a"], [])
    write("2017-01-01/00.jsonl", b': "b"}\n')
    second = run(EVENTS, first.state)
    assert [(row["event_id"], row["_sdc_source_lineno"]) for row in second.rows] == [("b", 2)]
    assert ids(run(EVENTS, second.state)) == []


def test_an_unfinished_line_of_a_file_that_has_a_successor_is_a_reject(run, write):
    write("2017-01-01/00.jsonl", line("a") + b'{"event_id"')
    write("2017-01-01/01.jsonl", line("b"))
    sent = run(EVENTS)
    assert (ids(sent), [r["position"] for r in sent.rejects]) == (["a", "b"], ["2017-01-01/00.jsonl:2"])


def test_unfinished_lines_can_be_rejected_at_once(run, write):
    write("2017-01-01/00.jsonl", b'{"event_id"')
    assert len(run(EVENTS, unfinished_lines="reject").rejects) == 1


def test_a_last_row_that_only_lacks_its_newline_is_read_once(run, write):
    write("2017-01-01/00.jsonl", line("a").rstrip())
    first = run(EVENTS)
    write("2017-01-01/00.jsonl", b"\n" + line("b"))
    second = run(EVENTS, first.state)
    assert (ids(first), ids(second)) == (["a"], ["b"])
    assert second.rows[0]["_sdc_source_lineno"] == 2


def test_files_that_arrive_late_are_read_wherever_they_appear(run, write, caplog):
    for day in range(1, 7):
        write(f"2017-01-0{day}/00.jsonl", line(f"d{day}"))
    state = run(EVENTS).state
    write("2017-01-01/07.jsonl", line("late-closed"))
    write("2017-01-06/07.jsonl", line("late-recent"))
    write("2016-12-31/00.jsonl", line("late-folder"))
    sent = run(EVENTS, state)
    assert ids(sent) == ["late-folder", "d1", "late-closed", "late-recent"]
    assert "2017-01-01 changed after it was closed" in caplog.text
    assert ids(run(EVENTS, sent.state)) == []


def test_a_file_that_shrank_is_read_again_whole(run, write, caplog):
    path = write("2017-01-01/00.jsonl", line("a") + line("b"))
    state = run(EVENTS).state
    path.write_bytes(line("c"))
    assert ids(run(EVENTS, state)) == ["c"]
    assert "shrank" in caplog.text


def test_folders_that_vanish_and_come_back_are_not_read_twice(run, write, tmp_path):
    for day in range(1, 7):
        write(f"2017-01-0{day}/00.jsonl", line(f"d{day}"))
    state = run(EVENTS).state
    (tmp_path / "in").rename(tmp_path / "elsewhere")
    (tmp_path / "in").mkdir()
    while_away = run(EVENTS, state)
    (tmp_path / "in").rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / "in")
    assert ids(run(EVENTS, while_away.state)) == []


def test_an_empty_file_does_not_have_its_folder_read_again_when_that_is_closed(run, write, caplog):
    for day in range(1, 7):
        write(f"2017-01-0{day}/00.jsonl", line(f"d{day}"))
        write(f"2017-01-0{day}/01.jsonl", b"")
        write(f"2017-01-0{day}/02.jsonl.gz", b"")
    write("2016-12-31/00.jsonl", b"")
    first = run(EVENTS)
    again = run(EVENTS, first.state)
    assert (ids(again), again.state, caplog.text) == ([], first.state, "")
    write("2017-01-01/01.jsonl", line("late"))
    grown = run(EVENTS, first.state)
    assert (ids(grown), ids(run(EVENTS, grown.state))) == (["d1", "late"], [])


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf", b"\n", b'{"event_id"', b"\xef\xbb\xbf{"])
def test_a_file_without_a_row_does_not_have_its_closed_folder_read_again(run, write, content):
    write("2017-01-01/00.jsonl", line("a"))
    write("2017-01-01/01.jsonl", content)
    state = run(EVENTS, recent_folders=1).state  # an unfinished line waits, since its file is the newest one
    write("2017-01-02/00.jsonl", line("b"))
    closed = run(EVENTS, state, recent_folders=1)
    again = run(EVENTS, closed.state, recent_folders=1)
    assert (ids(closed), ids(again), again.rejects) == (["b"], [], [])


def test_folders_closed_by_a_version_that_forgot_empty_files_are_not_read_again(run, write):
    for day in range(1, 7):
        write(f"2017-01-0{day}/00.jsonl", line("a"))
        write(f"2017-01-0{day}/01.jsonl", b"")
    closed = hashlib.sha256(f"00.jsonl {len(line('a'))}".encode()).hexdigest()[:12]
    recent = {f"2017-01-0{day}": {"00.jsonl": [len(line("a")), 1]} for day in range(4, 7)}
    bookmark = {"closed": {f"2017-01-0{day}": closed for day in range(1, 4)}, "recent": recent}
    assert ids(run(EVENTS, {"bookmarks": {"web-events": bookmark}})) == []


@pytest.mark.parametrize("between", [b"", b'{"event'])
def test_a_file_that_was_emptied_is_read_from_its_start_when_it_is_written_again(run, write, between):
    path = write("2017-01-01/00.jsonl", line("a") + line("b"))
    state = run(EVENTS).state
    path.write_bytes(between)
    emptied = run(EVENTS, state)
    path.write_bytes(line("c") + line("d") + line("e"))
    assert (ids(emptied), ids(run(EVENTS, emptied.state))) == ([], ["c", "d", "e"])


def test_the_newest_file_is_one_of_the_newest_folder(run, write):
    """A file beside the folders comes last by its path, in a folder that is closed first."""
    write("zz.jsonl", line("a") + b'{"event_id"')
    write("2017-01-01/00.jsonl", line("b"))
    sent = run(EVENTS, recent_folders=1)
    again = run(EVENTS, sent.state, recent_folders=1)
    assert (sorted(ids(sent)), len(sent.rejects), ids(again)) == (["a", "b"], 1, [])


def test_batches_are_cut_at_the_set_size_and_keep_the_order(run, write):
    lines = b"".join(line(str(n)) for n in range(200_000))
    write("2017-01-01/00.jsonl", lines)
    sent = run(EVENTS, batch_rows=16_384, batches_ahead=100)
    assert len(sent.of("BATCH")) > 1
    assert ids(sent) == [str(n) for n in range(200_000)]


def test_the_bookmark_of_a_year_of_hourly_files_is_below_50_kilobytes():
    files = [Listed(f"{date(2017, 1, 1) + timedelta(d)}/{h:02}.jsonl", 50_000) for d in range(365) for h in range(24)]
    progress = Progress({})
    for file in files:
        progress.consumed(file, file.size, 120)
    bookmark = progress.bookmark(files, recent_folders=3)
    assert len(json.dumps(bookmark)) < 20_000
    assert Progress(bookmark).plan(files).readings == []


sizes = st.dictionaries(
    st.tuples(st.integers(1, 6), st.integers(0, 3)).map(lambda at: f"2017-01-0{at[0]}/{at[1]:02}.jsonl"),
    st.integers(0, 50),
)


def listed(sizes):
    return sorted(Listed(path, size) for path, size in sizes.items())


def read_all(progress, files):
    """Read what is planned; returns where each file was read from. Of an empty file the tap reads nothing."""
    readings = progress.plan(files).readings
    for reading in readings:
        if reading.file.size:
            progress.consumed(reading.file, reading.file.size, 1)
    return {reading.file.path: reading.offset for reading in readings}


@settings(max_examples=200)
@given(sizes, sizes, st.integers(1, 4))
def test_whatever_grows_or_arrives_between_two_runs_every_byte_is_read(before, growth, recent):
    progress = Progress({})
    read_all(progress, listed(before))
    bookmark = json.loads(json.dumps(progress.bookmark(listed(before), recent)))
    after = {path: before.get(path, 0) + growth.get(path, 0) for path in before | growth}
    following = Progress(bookmark)
    read = read_all(following, listed(after))
    for path, grown in growth.items():
        assert not grown or read[path] <= before.get(path, 0)
    for path, offset in read.items():
        assert growth.get(path) or offset == 0  # unchanged files are read only with their whole closed folder
    assert Progress(following.bookmark(listed(after), recent)).plan(listed(after)) == Plan()


@given(st.lists(sizes, max_size=4), st.integers(1, 4))
def test_whatever_becomes_of_the_files_a_run_leaves_nothing_to_the_next_and_skips_nothing(listings, recent):
    bookmark, known = {}, {}
    for found in listings:
        progress = Progress(bookmark)
        read = read_all(progress, listed(found))
        assert all(offset <= known.get(path, 0) for path, offset in read.items())
        bookmark = json.loads(json.dumps(progress.bookmark(listed(found), recent)))
        assert Progress(bookmark).plan(listed(found)) == Plan()
        known |= found
