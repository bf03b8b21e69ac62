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
