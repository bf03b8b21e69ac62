"""The tap's settings: the one list that the command checks and that `--about` prints.

They are msgspec structs rather than singer-sdk typing objects because a sync starts without importing the SDK, which
would cost more than most increments; the SDK's JSON schema is made from the same structs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tap_hubspot.errors import HubspotError


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stream: an object type and those of its properties that become columns."""

    name: Annotated[str, Meta(description="Singer stream name, <system>-<table>")]
    object_type: Annotated[str, Meta(description="as in the API's path: contacts, deals, 2-12345 …")]
    properties: Annotated[
        dict[str, str], Meta(description="name: type (string int long double boolean date timestamp decimal(p,s))")
    ]
    replication_method: Literal["INCREMENTAL", "FULL_TABLE"] = "INCREMENTAL"
    modified_property: Annotated[
        str, Meta(description="property that searches are windowed by; lastmodifieddate for HubSpot's own contacts")
    ] = "hs_lastmodifieddate"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Validated settings of one run."""

    token: Annotated[str, Meta(description="private-app access token", extra_json_schema={"secret": True})]
    streams: Annotated[list[StreamSettings], Meta(min_length=1)]
    url: Annotated[str, Meta(pattern="^https?://", description="address of the API")] = "https://api.hubapi.com"
    overlap_seconds: Annotated[
        int, Meta(ge=0, description="how far a search reaches back: HubSpot shows some changes minutes late")
    ] = 300
    page_size: Annotated[int, Meta(ge=2, le=200, description="objects of a search page; lists give 100")] = 200
    timeout_seconds: Annotated[float, Meta(gt=0, description="for a connection, and for an answer")] = 30.0
    retries: Annotated[
        int, Meta(ge=0, description="how often a request is repeated after 429, 5xx, lost connections")
    ] = 6
    longest_wait_seconds: Annotated[int, Meta(ge=1, description="longest Retry-After that is waited for")] = 300


def parse_settings(config: Mapping[str, Any]) -> Settings:
    """Settings from a configuration object; numbers may be text. Raises HubspotError naming the field."""
    given = {key: value for key, value in config.items() if value not in (None, "")}
    try:
        return msgspec.convert(given, type=Settings, strict=False)
    except msgspec.ValidationError as error:
        raise HubspotError(f"tap-hubspot: {error}. Next: `tap-hubspot --about` lists the settings") from error


def read_json_files(paths: Sequence[str]) -> dict[str, Any]:
    """The merged JSON objects of the files, later ones winning; raises HubspotError naming the file."""
    merged: dict[str, Any] = {}
    for path in paths:
        try:
            merged.update(msgspec.json.decode(Path(path).read_bytes(), type=dict[str, Any]))
        except (OSError, msgspec.MsgspecError) as error:
            raise HubspotError(f"tap-hubspot: cannot read the file {path}: {error}") from error
    return merged


def config_schema() -> dict[str, Any]:
    """JSON schema of the settings, as singer-sdk wants it."""
    schema = msgspec.json.schema(Settings)
    found: dict[str, Any] = schema["$defs"]["Settings"]
    found["properties"]["streams"]["items"] = schema["$defs"]["StreamSettings"]
    return found
