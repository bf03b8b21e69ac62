"""Which line of a JSON file becomes a row, which a reject, and that every line becomes one of them."""

import datetime as dt
import gzip
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_files.jsonlines import JsonLines

from .conftest import EVENTS, declared

GOOD = b'{"event_id": "a", "user_id": 1, "timestamp": "2017-01-01T00:00:00.123Z", "properties": {"price": 12.50}}'


def utc(text):
    return dt.datetime.fromisoformat(text)


def only(sent):
    assert len(sent.rejects) == 1
    return sent.rejects[0]


def test_a_row_keeps_values_types_raw_json_text_and_its_place(run, write):
    write("2017-01-01/00.jsonl", b"\n" + GOOD + b"\n")
    assert run(EVENTS).rows == [
        {
            "event_id": "a",
            "user_id": 1,
            "timestamp": utc("2017-01-01T00:00:00.123"),
            "properties": '{"price": 12.50}',
            "_sdc_source_file": "2017-01-01/00.jsonl",
            "_sdc_source_lineno": 2,
        }
    ]


@pytest.mark.parametrize(
    ("line", "rule", "in_reason"),
    [
        (b'{"event_id": "a"', "well_formed", "truncated"),
        (b"not json", "well_formed", "malformed"),
        (b'{"event_id": "a"} {"event_id": "b"}', "well_formed", "trailing"),
        (b"[1, 2]", "declared_type", "object"),
        (b'{"event_id": "a", "user_id": "seven"}', "declared_type", "user_id"),
        (b'{"event_id": "a", "user_id": 9223372036854775808}', "declared_type", "user_id"),
        (b'{"event_id": "a", "user_id": 1.5}', "declared_type", "user_id"),
        (b'{"event_id": "a", "timestamp": 1512345}', "declared_type", "timestamp"),
        (b'{"event_id": "a", "timestamp": "2017-02-30T00:00:00Z"}', "declared_type", "timestamp"),
        (b'{"event_id": "a", "user_id": NaN}', "well_formed", ""),
        (b'{"user_id": 1}', "key_present", "event_id"),
        (b'{"event_id": null}', "key_present", "event_id"),
        (b'{"event_id": "a", "properties": ' + b"[" * 100_000, "well_formed", "deep"),
        (b'{"event_id": "\xe9"}', "encoding", "byte 14"),
    ],
)
def test_a_line_that_does_not_fit_is_a_reject_with_reason_raw_text_and_position(run, write, line, rule, in_reason):
    write("2017-01-01/00.jsonl", GOOD + b"\n" + line + b"\n" + GOOD + b"\n")
    sent = run(EVENTS)
    reject = only(sent)
    assert (reject["rule"], reject["position"]) == (rule, "2017-01-01/00.jsonl:2")
    assert in_reason in reject["reason"]
    assert reject["raw_record"] == line.decode("utf-8", "backslashreplace")
    assert reject["source_stream"] == "web-events"
    assert [row["_sdc_source_lineno"] for row in sent.rows] == [1, 3]


def test_a_reject_says_whom_it_is_about_even_if_it_cannot_be_parsed(run, write):
    write("2017-01-01/00.jsonl", b'{"event_id": "a", "user_id": 77, "timest\n{"event_id": "b", "ti\n')
    assert [reject["customer_id"] for reject in run(EVENTS).rejects] == [77, None]


def test_a_byte_order_mark_windows_newlines_and_empty_lines_are_no_faults(run, write):
    write("2017-01-01/00.jsonl", b"\xef\xbb\xbf" + GOOD + b"\r\n\r\n" + GOOD + b"\r\n")
    sent = run(EVENTS)
    assert [row["_sdc_source_lineno"] for row in sent.rows] == [1, 3]
    assert sent.rejects == []


def test_characters_outside_the_basic_plane_arrive_as_they_are(run, write):
    write("2017-01-01/00.jsonl", '{"event_id": "🛒𝔘\\u0000", "properties": {"名": "\\ud83d\\uded2"}}\n'.encode())
    row = run(EVENTS).rows[0]
    assert row["event_id"] == "🛒𝔘\x00"
    assert row["properties"] == '{"名": "\\ud83d\\uded2"}'


def test_a_key_given_twice_takes_the_last_value(run, write):
    write("2017-01-01/00.jsonl", b'{"event_id": "a", "event_id": "b"}\n')
    assert [row["event_id"] for row in run(EVENTS).rows] == ["b"]


def test_times_with_an_offset_are_stored_in_utc(run, write):
    write("2017-01-01/00.jsonl", b'{"event_id": "a", "timestamp": "2017-01-01T01:30:00+02:00"}\n')
    assert run(EVENTS).rows[0]["timestamp"] == utc("2016-12-31T23:30:00")


def test_a_decimal_that_would_be_rounded_is_a_reject(run, write):
    stream = {**EVENTS, "customer_column": None, "columns": {"event_id": "string", "amount": "decimal(5,2)"}}
    write(
        "a.jsonl",
        b'{"event_id": "a", "amount": 123.40}\n{"event_id": "b", "amount": 1.005}\n{"event_id": "c", "amount": 1234}\n',
    )
    sent = run(stream)
    assert [str(row["amount"]) for row in sent.rows] == ["123.40"]
    assert [reject["position"] for reject in sent.rejects] == ["a.jsonl:2", "a.jsonl:3"]


def test_a_line_longer_than_the_limit_is_a_reject_and_the_rest_of_the_file_is_read(run, write):
    long = b'{"event_id": "x", "properties": "' + b"y" * 3_000_000 + b'"}'
    write("2017-01-01/00.jsonl", GOOD + b"\n" + long + b"\n" + GOOD + b"\n")
    sent = run(EVENTS, max_line_bytes=100_000)
    assert [row["_sdc_source_lineno"] for row in sent.rows] == [1, 3]
    assert only(sent)["rule"] == "line_length"
    assert long.decode().startswith(only(sent)["raw_record"])


def test_an_enormous_line_within_the_limit_is_a_row(run, write):
    write("2017-01-01/00.jsonl", b'{"event_id": "x", "properties": "' + b"y" * 3_000_000 + b'"}\n')
    assert len(run(EVENTS).rows[0]["properties"]) == 3_000_002


def test_packed_files_are_unpacked_and_damaged_ones_give_what_can_be_read(run, write):
    lines = b"".join(json.dumps({"event_id": f"{i:x}", "properties": i * i}).encode() + b"\n" for i in range(50_000))
    write("2017-01-01/00.jsonl.gz", gzip.compress(GOOD + b"\n"))
    write("2017-01-01/01.jsonl.gz", gzip.compress(lines)[:200_000])
    write("2017-01-01/02.jsonl.gz", b"no gzip at all")
    sent = run(EVENTS)
    assert len(sent.rows) > 1000
    assert [(reject["position"].split(":")[0], reject["rule"]) for reject in sent.rejects] == [
        ("2017-01-01/01.jsonl.gz", "readable"),
        ("2017-01-01/02.jsonl.gz", "readable"),
    ]


def test_fields_that_are_not_declared_are_announced_once(run, write, caplog):
    for hour in range(3):
        write(f"2017-01-01/0{hour}.jsonl", b'{"event_id": "a", "colour": "red"}\n')
    run(EVENTS)
    assert [record.message for record in caplog.records if "colour" in record.message] == [
        "00.jsonl: colour is not declared and not kept. Next: add it to the stream's columns"
    ]


PARSER = JsonLines(declared(EVENTS))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)
events = st.fixed_dictionaries(
    {"event_id": st.text(st.characters(codec="utf-8"))},
    optional={"user_id": st.none() | st.integers(-(2**63), 2**63 - 1), "properties": json_values, "other": json_values},
)


def as_python(column):
    return column.to_pylist() if hasattr(column, "to_pylist") else column


@given(st.lists(st.tuples(events, st.booleans(), st.sampled_from(["", " ", "\t", "\r"])), max_size=8))
def test_valid_lines_are_never_rejected_and_come_back_as_they_were(batch):
    lines = [json.dumps(event, ensure_ascii=ascii).encode() + end.encode() for event, ascii, end in batch]
    columns, numbers, rejects = PARSER.parse(b"\n".join(lines), 1, len(lines)) if lines else ([[]] * 4, [], [])
    assert (rejects, list(numbers)) == ([], list(range(1, len(batch) + 1)))
    for (event, _, _), name, user, properties in zip(batch, columns[0], columns[1], as_python(columns[3]), strict=True):
        assert (name, user) == (event["event_id"], event.get("user_id"))
        assert (None if properties is None else json.loads(properties)) == event.get("properties")


def is_valid(line: bytes) -> bool:
    """An independent judgement: the standard library's parser, held to the JSON standard and to Unicode."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        value = json.loads(line.decode("utf-8"), parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    fits = isinstance(value, dict) and isinstance(value.get("event_id"), str)
    user = value.get("user_id") if fits else None
    return (
        fits and (user is None or (type(user) is int and -(2**63) <= user < 2**63)) and value.get("timestamp") is None
    )


@given(events, st.data())
def test_damaged_lines_are_accepted_exactly_when_they_are_still_valid(event, data):
    line = bytearray(json.dumps(event, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(line) - 1)) if line else 0
        damage = data.draw(st.binary(max_size=2).filter(lambda piece: b"\n" not in piece))
        line[at : at + data.draw(st.integers(0, 2))] = damage
    if not line.strip():
        return
    columns, _, rejects = PARSER.parse(bytes(line), 1, 1)
    assert len(columns[0]) + len(rejects) == 1
    assert (not rejects) == is_valid(bytes(line))


def test_a_declaration_with_an_unknown_type_names_the_types_there_are():
    with pytest.raises(Exception, match=r"user_id is declared as 'bigint'.*long.*decimal"):
        declared({**EVENTS, "columns": {**EVENTS["columns"], "user_id": "bigint"}})


def test_msgspec_still_judges_what_it_passes_over():
    """The parser relies on it: malformed JSON in a field nobody declared is still malformed."""
    with pytest.raises(msgspec.DecodeError):
        JsonLines(declared(EVENTS))._decode(b'{"event_id": "a", "other": [1,]}')
