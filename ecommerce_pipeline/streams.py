"""What is extracted from where: `meltano/meltano.yml`, read into typed extractors and streams.

The file is the authority, for Meltano and for the graph alike: adding an extractor there adds its source tables, its
raw tables and their lineage here. An extractor is taken when it says where its rows go (`load_schema`) and names its
streams, under `select` or in its setting `streams`. Names carry the addresses: stream `shop-orders` is the table
`orders` of the system `shop`, and with `load_schema: raw_shop` it lands in `raw_shop.orders`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from dagster import AssetKey

from ecommerce_pipeline.settings import Settings

_WILDCARDS = frozenset("*?[!")


class StreamsError(Exception):
    """meltano.yml is missing or cannot be read as extractors; the message names the place and the next step."""


@dataclass(frozen=True)
class Stream:
    """One stream: its Singer id, the table it comes from and the table it lands in."""

    extractor: str
    stream_id: str
    namespace: str
    replication_method: str
    replication_key: str | None = None
    key_properties: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    mode: str = "append"

    @property
    def system(self) -> str:
        """The source system."""
        return self.stream_id.rpartition("-")[0]

    @property
    def table(self) -> str:
        """The table's name, in the source and in the lake."""
        return self.stream_id.rpartition("-")[2]

    @property
    def source_key(self) -> AssetKey:
        """The table in the source system."""
        return AssetKey([self.system, self.table])

    @property
    def raw_key(self) -> AssetKey:
        """The raw table in the lake."""
        return AssetKey([self.namespace, self.table])


@dataclass(frozen=True)
class Extractor:
    """One tap with what it inherits: the plugin it comes from in the end, its configuration and its streams."""

    name: str
    plugin: str
    config: Mapping[str, Any]
    streams: tuple[Stream, ...]

    @property
    def system(self) -> str:
        """The source system that most of the graph calls it by."""
        return self.streams[0].system


def extractors(settings: Settings) -> tuple[Extractor, ...]:
    """Every extractor that loads into the lake, in the file's order; raises StreamsError."""
    path = settings.root / "meltano" / "meltano.yml"
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise StreamsError(f"{path} cannot be read: {error.strerror}. Next: restore it from git") from error
    return _read(path, changed)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> tuple[Extractor, ...]:
    del changed  # part of the cache's key
    try:
        project = msgspec.yaml.decode(path.read_bytes(), type=dict[str, Any])
        defined = {entry["name"]: entry for entry in project["plugins"]["extractors"]}
        modes = tuple(_modes(project["plugins"].get("loaders", ())))
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        what = " ".join(str(error).split())
        raise StreamsError(f"{path}: there are no extractors to be read ({what}). Next: correct the YAML") from error
    taken = [_extractor(path, entry, defined, modes) for entry in defined.values() if "load_schema" in entry]
    return tuple(_without_collisions(path, taken))


def _modes(loaders: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """By pattern, the mode that the loader's setting `streams` gives."""
    for loader in loaders:
        for entry in loader.get("config", {}).get("streams", ()):
            yield entry["name"], entry.get("mode", "append")


def _extractor(
    path: Path, entry: Mapping[str, Any], defined: Mapping[str, Any], modes: Sequence[tuple[str, str]]
) -> Extractor:
    whole = _inherited(path, entry, defined)
    place = f"{path}: extractor {entry['name']}"
    found = _from_setting(place, whole) or _from_select(place, whole)
    if not found:
        raise StreamsError(f"{place} names no stream. Next: list them under `select`, as in `- shop-orders.*`")
    moded = (replace(stream, mode=_mode(stream.stream_id, modes)) for stream in found)
    return Extractor(entry["name"], whole["plugin"], whole.get("config", {}), tuple(moded))


def _mode(stream_id: str, modes: Sequence[tuple[str, str]]) -> str:
    return next((mode for pattern, mode in modes if fnmatchcase(stream_id, pattern)), "append")


def _inherited(path: Path, entry: Mapping[str, Any], defined: Mapping[str, Any]) -> dict[str, Any]:
    """The entry over what it inherits; configuration and metadata are merged key by key, as Meltano does."""
    parent = entry.get("inherit_from")
    if parent is None:
        return {**entry, "plugin": entry["name"]}
    if parent not in defined:
        raise StreamsError(f"{path}: extractor {entry['name']} inherits from {parent}, which is not there")
    base = _inherited(path, defined[parent], defined)
    merged = {part: {**base.get(part, {}), **entry.get(part, {})} for part in ("config", "metadata")}
    return {**base, **entry, **merged}


def _from_setting(place: str, whole: Mapping[str, Any]) -> list[Stream]:
    """The streams of a tap that is told them, with their columns."""
    return [
        _stream(
            place,
            whole,
            declared["name"],
            declared.get("replication_method", "INCREMENTAL"),
            key_properties=tuple(declared.get("key_properties", ())),
            columns=declared.get("columns") or declared.get("properties") or {},
        )
        for declared in whole.get("config", {}).get("streams", ())
    ]


def _from_select(place: str, whole: Mapping[str, Any]) -> list[Stream]:
    """The streams of a tap that discovers them: those selected by name."""
    names = dict.fromkeys(rule.partition(".")[0] for rule in whole.get("select", ()) if not rule.startswith("!"))
    for name in names:
        if _WILDCARDS & set(name):
            raise StreamsError(
                f"{place} selects {name}, a pattern. Next: name every stream, one a line, so that each is an asset"
            )
    return [_stream(place, whole, name, "FULL_TABLE") for name in names]


def _stream(place: str, whole: Mapping[str, Any], name: str, method: str, **more: Any) -> Stream:
    system, dash, table = name.rpartition("-")
    if not (dash and system and table):
        raise StreamsError(f"{place}: stream {name!r} does not say its system. Next: call it <system>-<table>")
    rules = dict(_rules(whole, name))
    return Stream(
        extractor=whole["name"],
        stream_id=name,
        namespace=whole["load_schema"],
        replication_method=rules.get("replication-method", method),
        replication_key=rules.get("replication-key"),
        **more,
    )


def _rules(whole: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    for pattern, rules in whole.get("metadata", {}).items():
        if fnmatchcase(name, pattern):
            yield from rules.items()


def _without_collisions(path: Path, found: list[Extractor]) -> Iterator[Extractor]:
    seen: dict[AssetKey, str] = {}
    for extractor in found:
        for stream in extractor.streams:
            if other := seen.get(stream.raw_key):
                address = ".".join(stream.raw_key.path)
                raise StreamsError(
                    f"{path}: {address} would be written by {other} and by {extractor.name}/{stream.stream_id}. "
                    "Next: give one of them another load_schema"
                )
            seen[stream.raw_key] = f"{extractor.name}/{stream.stream_id}"
        yield extractor
