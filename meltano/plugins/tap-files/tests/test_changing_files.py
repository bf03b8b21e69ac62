"""Files that somebody writes, replaces or takes away between two runs, or while one reads."""

from __future__ import annotations

import gzip

import pytest
from tap_files import sync
from tap_files.errors import FilesError

from .conftest import EVENTS, PEOPLE

LOG = {**PEOPLE, "files": "*/*.csv*", "replication_method": "INCREMENTAL"}
HEADER = b"id,name,income\n"


def ids(sent):
    return [row["id"] for row in sent.rows]


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_the_last_line_of_a_packed_file_is_read_with_it(run, write, ending):
    write("2017-01-01/00.csv.gz", gzip.compress(HEADER + b"1,Ann,10\n2,Bob,20" + ending))
    first = run(LOG)
    assert (ids(first), ids(run(LOG, first.state))) == (["1", "2"], [])


def test_an_incomplete_last_line_of_a_packed_file_is_a_reject(run, write):
    write("2017-01-01/00.jsonl.gz", gzip.compress(b'{"event_id": "a"}\n{"event_id"'))
    sent = run(EVENTS)
    assert ([row["event_id"] for row in sent.rows], len(sent.rejects)) == (["a"], 1)


@pytest.mark.parametrize("moment", ["listing", "content_digest"])
def test_a_full_table_whose_file_goes_away_while_it_is_read_is_not_replaced(run, write, monkeypatch, moment):
    path = write("a.csv", HEADER + b"1,Ann,10\n")
    real = getattr(sync, moment)

    def then_gone(*given):
        found = real(*given)
        path.unlink()
        return found

    monkeypatch.setattr(sync, moment, then_gone)
    with pytest.raises(FilesError, match=r"a\.csv is gone since it was listed.*Next: run again"):
        run(PEOPLE)


def test_a_log_whose_file_goes_away_while_it_is_read_goes_on_with_the_others(run, write, monkeypatch):
    path = write("2017-01-01/00.csv", HEADER + b"1,Ann,10\n")
    write("2017-01-01/01.csv", HEADER + b"2,Bob,20\n")
    real = sync.listing

    def then_gone(*given):
        found = real(*given)
        path.unlink()
        return found

    monkeypatch.setattr(sync, "listing", then_gone)
    assert ids(run(LOG)) == ["2"]


@pytest.mark.parametrize(
    ("name", "pack"),
    [("2017-01-01/00.csv", bytes), ("2017-01-01/00.csv.gz", lambda text: gzip.compress(text, mtime=0))],
)
@pytest.mark.parametrize("after", [b"7,Gus,70\n8,Hal,80\n", b"7,Gus,70\n8,Hal,80\n9,Ida,90\n", b"7,Gus,70\n"])
def test_a_file_that_was_replaced_is_read_again_whole_whatever_its_size(run, write, caplog, name, pack, after):
    path = write(name, pack(HEADER + b"1,Ann,10\n2,Bob,20\n"))
    first = run(LOG)
    path.write_bytes(pack(HEADER + after))
    second = run(LOG, first.state)
    assert ids(second) == [line.split(b",")[0].decode() for line in after.splitlines()]
    assert "it is read again whole" in caplog.text
    assert ids(run(LOG, second.state)) == []


def test_a_bookmark_without_checksums_is_read_on_from(run, write):
    write("2017-01-01/00.csv", HEADER + b"1,Ann,10\n")
    state = run(LOG).state
    marks = state["bookmarks"]["crm-people"]["recent"]["2017-01-01"]
    marks["00.csv"] = marks["00.csv"][:2]
    write("2017-01-01/00.csv", b"2,Bob,20\n")
    assert ids(run(LOG, state)) == ["2"]


@pytest.mark.parametrize("more", [b"", b"half a li"])
def test_a_row_whose_quote_is_still_open_waits_and_is_then_read_once(run, write, more):
    write("2017-01-01/00.csv", HEADER + b'1,Ann,10\n2,"Bob\r\n' + more)
    first = run(LOG)
    waiting = run(LOG, first.state)
    write("2017-01-01/00.csv", b'ne",20\n3,Cem,30\n')
    last = run(LOG, waiting.state)
    assert [(ids(sent), sent.rejects) for sent in (first, waiting)] == [(["1"], []), ([], [])]
    rows = [(row["id"], row["name"], row["_sdc_source_lineno"]) for row in last.rows]
    assert rows == [("2", "Bob\r\n" + more.decode() + "ne", 3), ("3", "Cem", 5)]
    assert (last.rejects, ids(run(LOG, last.state))) == ([], [])


def test_a_quote_left_open_in_a_file_that_has_a_successor_is_a_reject(run, write):
    write("2017-01-01/00.csv", HEADER + b'1,Ann,10\n2,"Bob\n3,Cem,30\n')
    state = run(LOG).state
    write("2017-01-01/01.csv", HEADER + b"4,Dee,40\n")
    sent = run(LOG, state)
    assert (sorted(ids(sent)), [reject["position"] for reject in sent.rejects]) == (["3", "4"], ["2017-01-01/00.csv:3"])
