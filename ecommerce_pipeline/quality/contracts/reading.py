"""Contracts read from dbt/contracts/: `systems.yml`, and one `<system>.<table>.yml` a stream.

Each part is decoded by itself, so that an error can name the file, the field and what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ecommerce_pipeline.quality.contracts.contract import Contract, Field, Rule, System
from ecommerce_pipeline.quality.contracts.promises import ruled_references
from ecommerce_pipeline.quality.errors import QualityError
from ecommerce_pipeline.settings import Settings

SYSTEMS = "systems.yml"
HINT = "docs/guides/data-quality.md shows what a contract may say"
FIXABLE_TYPES = ("integer", "bigint", "decimal(12,2)", "timestamp", "text")
Contracts = Mapping[str, Contract]
T = TypeVar("T")


class ContractError(QualityError):
    """A contract cannot be read or contradicts itself; the message names the file, the field and the next step."""


def folder(settings: Settings) -> Path:
    """Where the contracts stand; it need not be there."""
    return settings.root / "dbt" / "contracts"


def read(settings: Settings) -> Contracts:
    """Every contract by its stream (shop.orders), in order; raises ContractError for the first that is wrong."""
    found = {path.stem: _contract(path) for path in sorted(folder(settings).glob("*.*.yml"))}
    for stream, contract in found.items():
        for problem in _contradictions(stream, contract, found):
            raise _wrong(folder(settings) / f"{stream}.yml", problem)
    return found


def systems(settings: Settings) -> Mapping[str, System]:
    """The source systems by name; raises ContractError. Empty when there is no such file."""
    path = folder(settings) / SYSTEMS
    if not path.exists():
        return {}
    return {name: _part(path, name, value, System) for name, value in _decoded(path).items()}


def _contract(path: Path) -> Contract:
    content = _decoded(path)
    parts: dict[str, Any] = {}
    for section, kind in (("fields", Field), ("rules", Rule)):
        entries = content.get(section) or {}
        if not isinstance(entries, dict):
            raise _wrong(path, f"{section}: not a mapping of names")
        parts[section] = {name: _part(path, f"{section}.{name}", value, kind) for name, value in entries.items()}
    return _part(path, "", {**content, **parts}, Contract)


def _decoded(path: Path) -> dict[str, Any]:
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise _wrong(path, f"not a mapping in YAML ({' '.join(str(error).split())})") from error


def _part(path: Path, place: str, value: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _wrong(path, f"{place}: {error}" if place else str(error)) from error


def _wrong(path: Path, what: str) -> ContractError:
    return ContractError(f"{path}: {what}. Next: correct it there; {HINT}")


def _contradictions(stream: str, contract: Contract, known: Contracts) -> Iterator[str]:
    """What cannot be, in words."""
    if contract.stream != stream:
        yield f"stream: {contract.stream} is not the file's name"
    yield from _unknown_fields(contract)
    yield from _unknown_references(contract, known)
    for name, field in contract.fields.items():
        if field.fixable and field.type not in FIXABLE_TYPES:
            yield f"fields.{name}: a {field.type} cannot be fixable, only {', '.join(FIXABLE_TYPES)}"
        if (field.minimum, field.maximum) != (None, None) and not field.type.startswith(("decimal", "int", "big")):
            yield f"fields.{name}: a {field.type} has no minimum or maximum"
    for name, rule in contract.rules.items():
        if (rule.severity == "error") != (rule.consequence == "quarantined"):
            yield f"rules.{name}: severity error and consequence quarantined go together"


def _unknown_references(contract: Contract, known: Contracts) -> Iterator[str]:
    ruled = ruled_references(contract)
    for name, target in contract.references.items():
        if target not in known:
            yield f"references.{name}: {target} has no contract"
        elif len(known[target].key) > 1:
            yield f"references.{name}: the key of {target} has more than one field"
        elif name not in ruled and any(rule.severity == "error" for rule in known[target].rules.values()):
            yield (
                f"references.{name}: records of {target} can be held back, and are known all the same; only a rule of "
                f"consistency over {name} can tell, and there is none"
            )


def _unknown_fields(contract: Contract) -> Iterator[str]:
    named = {
        "key": list(contract.key),
        "references": list(contract.references),
        **{f"rules.{name}": list(rule.fields) for name, rule in contract.rules.items()},
    }
    named |= {"freshness": [contract.freshness.by]} if contract.freshness else {}
    named |= {"volume": [contract.volume.by]} if contract.volume else {}
    for place, fields in named.items():
        for name in fields:
            if name not in contract.fields:
                yield f"{place}: {name} is no field of {contract.stream}"
