"""Which lines of a CSV file become a row, and that a full table is replaced whole or not at all."""

import gzip
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_files.csvrows import CsvRows
from tap_files.errors import FilesError

from .conftest import PEOPLE, declared

HEADER = b"id,name,income\n"


def values(sent):
    return [(row["id"], row["name"], row["income"]) for row in sent.rows]


def test_rows_are_read_by_the_names_of_the_header_whatever_their_order(run, write):
    write("a.csv", b'\xef\xbb\xbfincome,id,name\r\n10,1,Ann\r\n,2,"Bob, the\r\nbuilder"\r\n\r\n30,3,Cem')
    sent = run(PEOPLE)
    assert values(sent) == [("1", "Ann", "10"), ("2", "Bob, the\r\nbuilder", None), ("3", "Cem", "30")]
    assert [row["_sdc_source_lineno"] for row in sent.rows] == [2, 3, 6]


def test_a_latin_1_row_among_utf_8_rows_is_decoded_not_rejected(run, write):
    write("a.csv", HEADER + "1,José 🛒,\n".encode() + "2,Zoë,\n".encode("latin-1"))
    sent = run(PEOPLE)
    assert [row["name"] for row in sent.rows] == ["José 🛒", "Zoë"]
    assert sent.rejects == []


def test_rows_with_too_few_or_too_many_columns_are_rejects(run, write):
    write("a.csv", HEADER + b"1,Ann,10\n2,Bob\n3,Cem,30,x\n4,Dee,40\n")
    sent = run(PEOPLE)
    assert [row["id"] for row in sent.rows] == ["1", "4"]
    assert [(r["position"], r["raw_record"], r["rule"], r["reason"]) for r in sent.rejects] == [
        ("a.csv:3", "2,Bob", "column_count", "2 columns where the header has 3"),
        ("a.csv:4", "3,Cem,30,x", "column_count", "4 columns where the header has 3"),
    ]


def test_a_quote_that_is_never_closed_costs_its_own_line_only(run, write):
    write("a.csv", HEADER + b'1,"Ann,10\n' + b"".join(b"%d,Bob,20\n" % n for n in range(2, 300)))
    sent = run(PEOPLE)
    assert [r["position"] for r in sent.rejects] == ["a.csv:2"]
    assert [row["id"] for row in sent.rows] == [str(n) for n in range(2, 300)]


def test_a_row_without_its_key_is_a_reject(run, write):
    write("a.csv", HEADER + b",Ann,10\n")
    assert [r["rule"] for r in run(PEOPLE).rejects] == ["key_present"]


def test_typed_columns_are_strict_and_exact(run, write):
    types = {"id": "int", "price": "decimal(6,2)", "day": "date", "at": "timestamp", "ok": "boolean", "big": "long"}
    stream = {**PEOPLE, "columns": types}
    header = ",".join(types).encode() + b"\n"
    good = b"1,12.50,2017-12-15,2017-12-15T10:00:00+01:00,true,9223372036854775807\n"
    bad = [b"2147483648,,,,,", b"2,1.005,,,,", b"3,,20171215,,,", b"4,,,1513332000,,", b"5,,,,perhaps,", b"6,,,,,1e3"]
    write("a.csv", header + good + b"\n".join(bad) + b"\n")
    sent = run(stream)
    row = sent.rows[0]
    assert (row["id"], str(row["price"]), row["day"].isoformat(), row["at"].isoformat(), row["ok"], row["big"]) == (
        1, "12.50", "2017-12-15", "2017-12-15T09:00:00", True, 2**63 - 1,
    )  # fmt: skip
    assert [r["rule"] for r in sent.rejects] == ["declared_type"] * len(bad)


@pytest.mark.parametrize(
    ("kind", "cell", "read"),
    [
        ("decimal(38,0)", "9" * 38, Decimal("9" * 38)),
        ("decimal(38,2)", "9" * 36 + ".990000", Decimal("9" * 36 + ".99")),
        ("decimal(6,2)", "1.5" + "0" * 70, Decimal("1.50")),
        ("decimal(6,2)", "-0E+99999", Decimal(0)),
        ("decimal(38,2)", "123456789012345678901234567890.129", None),
        ("decimal(6,2)", "10000", None),
        ("decimal(6,2)", "NaN", None),
        ("decimal(6,2)", "1_000", None),
        ("decimal(6,2)", "1e9999999999999999999", None),
        ("double", " -1.5e-3", -0.0015),
        ("double", ".5", 0.5),
        ("double", "1e400", None),
        ("double", "1_000", None),
        ("double", "nan", None),
        ("double", "-inf", None),
    ],
)
def test_a_number_is_read_exactly_or_is_a_reject_in_csv_and_in_json(run, write, kind, cell, read):
    stream = {**PEOPLE, "columns": {"id": "string", "n": kind}}
    write("a.csv", b"id,n\n1," + cell.encode() + b"\n2,1\n")
    write("a.jsonl", b'{"id": "1", "n": ' + cell.strip().encode() + b'}\n{"id": "2", "n": 1}\n')
    forms = [stream] if cell == ".5" else [stream, {**stream, "files": "*.jsonl", "format": "jsonl"}]
    for form in forms:
        sent = run(form)
        assert [row["n"] for row in sent.rows] == ([1] if read is None else [read, 1])
        assert len(sent.rejects) == (read is None)


def test_a_full_table_is_activated_after_its_rows_and_before_its_state(run, write):
    write("a.csv", HEADER + b"1,Ann,10\n")
    assert run(PEOPLE).types == ["STATE", "SCHEMA", "BATCH", "ACTIVATE_VERSION", "STATE"]


def test_an_unchanged_full_table_is_not_sent_again_and_a_changed_one_of_the_same_size_is(run, write):
    path = write("a.csv", HEADER + b"1,Ann,10\n")
    state = run(PEOPLE).state
    assert run(PEOPLE, state).types == ["STATE", "SCHEMA", "STATE"]
    path.write_bytes(HEADER + b"1,Ann,11\n")
    assert values(run(PEOPLE, state)) == [("1", "Ann", "11")]
    assert len(run({**PEOPLE, "columns": {"id": "string", "income": "string"}}, state).rows) == 1


def test_a_table_of_no_rows_is_replaced_by_nothing_when_the_header_says_so(run, write):
    write("a.csv", HEADER)
    assert run(PEOPLE).types == ["STATE", "SCHEMA", "ACTIVATE_VERSION", "STATE"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"id,name\n1,Ann\n", "no column income"),
        (b"id,name,income,name\n1,Ann,10,Eve\n", "more than one column name,"),
        (gzip.compress(HEADER + b"1,Ann,10\n" * 5000, mtime=0)[:60], "damaged"),
    ],
)
def test_a_broken_export_stops_the_stream_before_it_replaces_the_table(run, write, content, message):
    write("a.csv.gz" if content.startswith(b"\x1f\x8b") else "a.csv", content)
    with pytest.raises(FilesError, match=message):
        run(PEOPLE)


def test_a_folder_that_is_not_there_is_named(run):
    with pytest.raises(FilesError, match=r"there is no folder .*/in"):
        run(PEOPLE)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=12)


@given(st.lists(st.tuples(cells.filter(str.strip), cells, cells), max_size=10))
def test_what_a_csv_writer_wrote_is_read_back(rows):
    text = "id,name,income\n" + "".join(
        ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows
    )
    parser = CsvRows(declared(PEOPLE))
    lines = text.encode().split(b"\n")[:-1]
    parser.header(lines[0], "a.csv")
    (columns, _, rejects), (_, _, late) = parser.parse(lines[1:], 2), parser.finish()
    assert (rejects, late) == ([], [])
    assert parser.parse([*lines[1:], b"too few"], 2)[0] == columns  # the slow way, which finds what is wrong, agrees
    assert list(zip(*columns, strict=True)) == [tuple(cell or None for cell in row) for row in rows]
