"""The HubSpot-like API behaves as HubSpot's v3 does: paging, search, refusals."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from ecommerce_pipeline.ports import is_free
from shopsphere.hubspot_store import TYPES
from shopsphere.state import secret
from tests.shopsphere.conftest import Running, answer

SINCE_EVER = {"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "0"}]}


def listed(made: Running, kind: str) -> list[dict]:
    found, after = [], ""
    while True:
        status, page, _ = made.ask(f"/crm/v3/objects/{kind}?limit=100{after}")
        assert status == 200, page
        found += page["results"]
        if "paging" not in page:
            return found
        after = f"&after={page['paging']['next']['after']}"


def searched(made: Running, kind: str, group: dict) -> list[dict]:
    found, after = [], 0
    while True:
        body = {"filterGroups": [group], "sorts": [{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}]}
        status, page, _ = made.ask(f"/crm/v3/objects/{kind}/search", {**body, "limit": 200, "after": after})
        assert status == 200, page
        found += page["results"]
        if "paging" not in page:
            assert len(found) == page["total"]
            return found
        after = page["paging"]["next"]["after"]


@pytest.mark.parametrize("kind", TYPES)
def test_paging_and_search_give_every_object_once(straight: Running, kind: str) -> None:
    by_list, by_search = listed(straight, kind), searched(straight, kind, SINCE_EVER)
    ids = [one["id"] for one in by_list]
    assert len(ids) == len(set(ids)) > 0
    assert sorted(ids) == sorted(one["id"] for one in by_search)
    assert [one["updatedAt"] for one in by_search] == sorted(one["updatedAt"] for one in by_search)
    assert all(isinstance(value, str | None) for one in by_list for value in one["properties"].values())
    assert all(one["properties"]["hs_lastmodifieddate"] == one["updatedAt"] for one in by_list)


def test_a_search_gives_what_changed_since_a_moment_in_either_notation(straight: Running) -> None:
    everything = searched(straight, "contacts", SINCE_EVER)
    middle = everything[len(everything) // 2]["updatedAt"]
    later = {"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "GT", "value": middle}]}
    upto = {"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "LTE", "value": middle}]}
    assert len(searched(straight, "contacts", later)) + len(searched(straight, "contacts", upto)) == len(everything)
    assert all(one["updatedAt"] > middle for one in searched(straight, "contacts", later))


def test_contacts_are_the_customers(straight: Running) -> None:
    contacts = {one["id"]: one["properties"] for one in listed(straight, "contacts")}
    customers = straight.table("shop.customers").to_dicts()
    known = [row for row in customers if str(row["customer_id"]) in contacts]
    assert len(customers) - len(known) <= 1  # one may have signed up in the last minute of the day
    assert all(contacts[str(row["customer_id"])]["email"] == row["email"] for row in known)


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_the_token_there_is_no_answer(straight: Running, token: str) -> None:
    status, page, _ = straight.ask("/crm/v3/objects/contacts", token=token)
    assert (status, page["category"]) == (401, "INVALID_AUTHENTICATION")


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 200, "after": 9900},
        {"filterGroups": [{"filters": []}]},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "LIKE", "value": "a"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "GT", "value": "soon"}]}]},
        {"sorts": ["email"]},
    ],
)
def test_a_search_that_hubspot_would_refuse_is_refused(straight: Running, body: dict) -> None:
    status, page, _ = straight.ask("/crm/v3/objects/contacts/search", body)
    assert (status, page["category"]) == (400, "VALIDATION_ERROR")


def test_unknown_types_and_objects_are_not_found(straight: Running) -> None:
    assert straight.ask("/crm/v3/objects/deals")[0] == 404
    assert straight.ask("/crm/v3/objects/contacts/0")[0] == 404
    assert straight.ask("/crm/v3/objects/campaigns/1")[1]["properties"]["campaign_type"] == "Type B"


@pytest.fixture
def slow(straight: Running) -> Iterator[str]:
    """The same data behind a server that takes two requests a second."""
    port = next(number for number in range(21_000, 22_000) if is_free(number))
    command = [
        sys.executable,
        "-m",
        "shopsphere.hubspot_api",
        "--home",
        str(straight.home),
        "--port",
        str(port),
        "--rate",
        "2",
    ]
    server = subprocess.Popen(command, cwd=straight.settings.root)
    try:
        deadline = time.monotonic() + 20
        while is_free(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def test_too_many_requests_are_told_when_to_come_back(straight: Running, slow: str) -> None:
    headers = {"Authorization": f"Bearer {secret(straight.home, 'hubspot')}"}
    request = urllib.request.Request(f"{slow}/crm/v3/objects/campaigns", headers=headers)
    answers = [answer(request) for _ in range(8)]
    refused = [one for one in answers if one[0] == 429]
    assert refused
    assert int(refused[0][2]["retry-after"]) >= 1
    time.sleep(int(refused[0][2]["retry-after"]))
    assert answer(request)[0] == 200
