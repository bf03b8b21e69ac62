"""One run of the tap: the authority on the order of its messages.

First the state the run starts from, which the target holds against its tables. Then stream by stream: SCHEMA,
records, ACTIVATE_VERSION where a table is replaced, and STATE, always, when everything before it has gone out.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec

from tap_hubspot.api import Api, HubspotObject
from tap_hubspot.bookmark import ARCHIVED, Bookmark
from tap_hubspot.catalog import as_selected
from tap_hubspot.declaration import Declaration, declaration
from tap_hubspot.messages import Messages
from tap_hubspot.reading import Reader
from tap_hubspot.settings import Settings

REPORT_EVERY_SECONDS = 5.0
HELD_IN_MEMORY = 8 << 20
logger = logging.getLogger("tap-hubspot")


def sync(settings: Settings, catalog: Mapping[str, Any], state: Mapping[str, Any], messages: Messages) -> None:
    """Read all selected streams; raises HubspotError for what a person must put right."""
    bookmarks: dict[str, Any] = dict(state.get("bookmarks", {}))
    messages.state(bookmarks)
    api = Api(settings)
    declared = [as_selected(declaration(stream), catalog) for stream in settings.streams]
    for stream in filter(None, declared):
        messages.schema(stream.name, stream.schema, ["id"])
        reader, before = Reader(api, stream, settings.page_size), bookmarks.get(stream.name) or {}
        if stream.full_table:
            bookmarks[stream.name] = _replace(reader, stream, before, messages)
        else:
            bookmarks[stream.name] = _append(reader, stream, before, messages, settings.overlap_seconds * 1000)
        messages.state(bookmarks)


def _append(
    reader: Reader, stream: Declaration, before: Mapping[str, Any], messages: Messages, overlap: int
) -> dict[str, Any]:
    bookmark, sent, told = Bookmark.read(before), 0, time.monotonic()
    for found, moment in list_or_search(reader, bookmark.value, overlap):
        version = found.id if not found.archived else f"{ARCHIVED}{found.id}"
        if bookmark.known(version, moment):
            continue
        messages.record(stream.name, stream.record(found))
        bookmark.add(version, moment)
        sent += 1
        if time.monotonic() - told > REPORT_EVERY_SECONDS:
            told = time.monotonic()
            bookmark.forget(overlap)
            logger.info("%s: %d objects so far", stream.name, sent)
    bookmark.forget(overlap)
    logger.info("%s: %d objects", stream.name, sent)
    return bookmark.state()


def list_or_search(reader: Reader, value: int | None, overlap: int) -> Iterator[tuple[HubspotObject, int]]:
    """The objects to read and when they changed or were archived: everything without a bookmark, else what
    did so since the overlap.

    The upper bound is fixed before reading begins. What changes while it goes on is left to the next run, so that no
    object is passed over because it moved from a page to come to a page already read.
    """
    after = -1 if value is None else value - overlap
    archived = [(one, moment) for one in reader.listed(archived=True) if (moment := reader.moved(one)) > after]
    until = max(filter(None, [reader.newest(), *(moment for _, moment in archived)]), default=0)
    if until <= after:
        return
    living = reader.listed(archived=False) if value is None else reader.changed(after, until)
    for one in living:
        if (moment := reader.modified(one)) <= until:
            yield one, moment
    yield from archived


def _replace(reader: Reader, stream: Declaration, before: Mapping[str, Any], messages: Messages) -> dict[str, Any]:
    content, count = hashlib.sha256(msgspec.json.encode(stream.schema)), 0
    with tempfile.SpooledTemporaryFile(HELD_IN_MEMORY) as held:
        for found in chain(reader.listed(archived=False), reader.listed(archived=True)):
            line = msgspec.json.encode(stream.record(found))
            content.update(line)
            held.write(messages.record_line(stream.name, line))
            count += 1
        if before.get("content") == content.hexdigest()[:32]:
            logger.info("%s: the %d objects are unchanged", stream.name, count)
            return dict(before)
        held.seek(0)
        shutil.copyfileobj(held, messages.out)
    messages.activate_version(stream.name, time.time_ns() // 1_000_000)
    logger.info("%s: %d objects", stream.name, count)
    return {"content": content.hexdigest()[:32]}
