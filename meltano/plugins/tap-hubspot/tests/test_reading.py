"""Every object once, whatever its time, however many share it, and whatever changes meanwhile."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import CONTACTS

MINUTE = 60_000


def test_the_first_run_lists_everything_archived_objects_too(account, run):
    for n in range(250):
        account.put(f"{n:04}", n, archived=n % 10 == 0, email=f"{n}@example.org")
    sent = run()
    assert sorted(sent.ids) == [f"{n:04}" for n in range(250)]
    assert sum(row["archived"] for row in sent.rows) == 25
    assert sent.types[:2] + sent.types[-1:] == ["STATE", "SCHEMA", "STATE"]


def test_properties_become_values_of_their_declared_types(account, run):
    account.put("1", 5, email="", campaign_id="26", consent="true", day="2017-12-15", at="2017-12-15T10:00:00.5Z")
    account.put("2", 6, email=None, campaign_id="", consent="", day="", at="")
    account.put("3", 7, campaign_id="many")
    full, empty, odd = run().rows
    assert (full["email"], full["campaign_id"], full["consent"], full["day"]) == ("", 26, True, "2017-12-15")
    assert full["updated_at"] == "2017-07-14T02:40:00.005Z"
    assert [empty[name] for name in CONTACTS["properties"]] == [None] * 5
    assert odd["campaign_id"] == "many"  # the target rejects it, with key and reason


def test_a_cleared_property_is_null_whatever_its_type(account, run):
    kinds = ("int", "long", "double", "decimal(12,2)", "decimal(12, 2)", "boolean", "date", "timestamp")
    stream = {**CONTACTS, "properties": {f"p{n}": kind for n, kind in enumerate(kinds)}}
    account.put("1", 1, **dict.fromkeys(stream["properties"], ""))
    account.put("2", 2, p3="12.50", p4="a lot")
    cleared, set_ = run(stream=stream).rows
    assert [cleared[name] for name in stream["properties"]] == [None] * len(kinds)
    assert (set_["p3"], set_["p4"]) == ("12.50", "a lot")


def test_a_run_with_nothing_new_sends_nothing_and_asks_little(account, run):
    for n in range(500):
        account.put(f"{n:04}", n * MINUTE)
    state = run().state
    account.requests.clear()
    again = run(state)
    assert (again.ids, again.state) == ([], state)
    assert len(account.requests) <= 3


def test_later_changes_come_once_even_with_the_very_time_of_the_bookmark(account, run):
    account.put("1", 1000)
    account.put("2", 1000)
    state = run().state
    account.put("0", 1000)
    account.put("3", 1000)
    second = run(state)
    assert sorted(second.ids) == ["0", "3"]
    assert run(second.state).ids == []


def test_a_change_the_search_shows_late_is_found_within_the_overlap(account, run):
    account.put("1", 10 * MINUTE)
    state = run().state
    account.put("2", 7 * MINUTE)
    account.put("3", 2 * MINUTE)
    assert run(state, overlap_seconds=300).ids == ["2"]


def test_an_object_that_is_archived_later_comes_again_as_archived(account, run):
    account.put("1", 1)
    account.put("2", 2)
    state = run().state
    account.put("1", 10, archived=True)
    sent = run(state)
    assert [(row["id"], row["archived"]) for row in sent.rows] == [("1", True)]
    assert run(sent.state).ids == []


def test_an_object_that_was_last_changed_long_before_it_is_archived_is_seen_to_go(account, run):
    account.put("1", 0)
    account.put("2", 60 * MINUTE)
    state = run().state
    account.put("1", 90 * MINUTE, archived=True)
    sent = run(state)
    assert [(row["id"], row["archived"]) for row in sent.rows] == [("1", True)]
    account.put("3", 91 * MINUTE)
    account.put("2", 91 * MINUTE, archived=True)
    later = run(sent.state)
    assert sorted((row["id"], row["archived"]) for row in later.rows) == [("2", True), ("3", False)]
    assert run(later.state).ids == []


def test_an_object_archived_in_the_very_moment_of_its_last_change_is_sent_as_both(account, run):
    account.put("1", 5)
    state = run().state
    account.put("1", 5, archived=True)
    assert [(row["id"], row["archived"]) for row in run(state).rows] == [("1", True)]


def test_more_changes_than_a_search_shows_are_all_read(account, run):
    account.put("first", 0)
    state = run().state
    for n in range(10_500):
        account.put(f"{n:05}", 1 + n // 3)
    sent = run(state, overlap_seconds=0)
    assert sorted(sent.ids) == [f"{n:05}" for n in range(10_500)]


def test_more_changes_of_one_moment_than_a_page_holds_are_all_read(account, run):
    account.put("first", 0)
    state = run().state
    for n in range(950):
        account.put(f"{n:05}", 77 if n < 900 else 78 + n)
    sent = run(state)
    assert sorted(sent.ids) == [f"{n:05}" for n in range(950)]
    assert len(set(sent.ids)) == len(sent.ids)


def test_objects_that_change_while_pages_are_read_make_no_other_slip_past(account, run):
    for n in range(900):
        account.put(f"{n:05}", n)
    state = run().state
    for n in range(900):
        account.put(f"{n:05}", 10 * MINUTE + n)

    def touch(account):
        done = len(account.requests)
        account.put(f"{done:05}", 20 * MINUTE + done)

    account.requests.clear()
    account.before_answer = touch
    second = run(state, overlap_seconds=0)
    account.before_answer = lambda _account: None
    third = run(second.state, overlap_seconds=0)
    latest = {row["id"]: row["updated_at"] for sent in (second, third) for row in sent.rows}
    assert latest == {identity: found["updatedAt"] for identity, found in account.objects.items()}


def test_a_full_table_is_activated_and_not_sent_again_while_it_is_unchanged(account, run):
    stream = {**CONTACTS, "replication_method": "FULL_TABLE"}
    account.put("1", 1)
    first = run(stream=stream)
    assert first.types == ["STATE", "SCHEMA", "RECORD", "ACTIVATE_VERSION", "STATE"]
    assert run(first.state, stream).types == ["STATE", "SCHEMA", "STATE"]
    account.put("1", 1, email="new@example.org")
    assert run(first.state, stream).types == first.types


def test_the_bookmark_stays_small_when_everything_changes_at_once(account, run):
    for n in range(6_000):
        account.put(f"{n:05}", 0)
    import json

    assert len(json.dumps(run().state)) < 100_000


@pytest.mark.parametrize("archived", [False, True])
def test_an_account_without_objects_keeps_no_bookmark_and_goes_on_when_there_are_some(account, run, archived):
    state = run().state
    account.put("1", 1, archived=archived)
    assert run(state).ids == ["1"]


changes = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.integers(0, 30), st.booleans()), max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(changes, min_size=1, max_size=4))
def test_after_any_history_of_changes_the_last_version_of_each_object_was_sent_once(account, run, history):
    account.objects.clear()
    state, sent, last, of, now = {}, [], {}, {}, 0
    for batch in history:
        for identity, later, archived in batch:
            now = of[identity] = max(now + later, of.get(identity, -1) + 1)  # two objects may share a moment
            account.put(identity, now, archived=archived)
        done = run(state, page_size=2)
        state = done.state
        versions = [(row["id"], row["updated_at"], row["archived"]) for row in done.rows]
        sent, last = sent + versions, last | {version[0]: version for version in versions}
    assert len(set(sent)) == len(sent)
    held = account.objects.values()
    assert last == {found["id"]: (found["id"], found["updatedAt"], found["archived"]) for found in held}
