"""Objects of the HubSpot API: how many there are, and when the last one changed; one request an object type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import urllib3

from ecommerce_pipeline.sources.observation import Observation, SourceError

TIMEOUT_SECONDS = 10.0


class _Object(msgspec.Struct, rename="camel"):
    updated_at: str


class _Answer(msgspec.Struct):
    total: int
    results: list[_Object]


def observe(url: str, token: str, declared: Mapping[str, Any]) -> Observation:
    """The objects of one declared stream that are not archived; raises SourceError."""
    modified = declared.get("modified_property", "hs_lastmodifieddate")
    address = f"{url.rstrip('/')}/crm/v3/objects/{declared['object_type']}/search"
    sorts = [{"propertyName": modified, "direction": "DESCENDING"}]
    body = {"filterGroups": [], "sorts": sorts, "properties": [modified], "limit": 1}
    answer = _ask(address, token, body)
    latest = answer.results[0].updated_at if answer.results else "never"
    return Observation(f"{answer.total}|{latest}", {"objects": answer.total, "latest change": latest})


def _ask(address: str, token: str, body: Mapping[str, Any]) -> _Answer:
    retries = urllib3.Retry(total=2, status_forcelist=(429, 502, 503, 504), allowed_methods=None, backoff_factor=0.5)
    try:
        response = urllib3.request(
            "POST",
            address,
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            retries=retries,
            timeout=TIMEOUT_SECONDS,
        )
    except urllib3.exceptions.HTTPError as error:
        reason = str(getattr(error, "reason", None) or error).rsplit(">: ", 1)[-1]
        raise SourceError(f"{address}: {reason}. Next: check that the API is up and SHOPSPHERE_HUBSPOT_URL") from error
    if response.status != 200:
        hint = "check SHOPSPHERE_HUBSPOT_TOKEN" if response.status in (401, 403) else "look at the API's own log"
        raise SourceError(f"{address}: status {response.status}. Next: {hint}")
    try:
        return msgspec.json.decode(response.data, type=_Answer)
    except msgspec.DecodeError as error:
        raise SourceError(
            f"{address}: the answer is not HubSpot's ({error}). Next: check SHOPSPHERE_HUBSPOT_URL"
        ) from error
