"""Contracts against `meltano.yml`: what the taps and the target are told must be what the contracts promise.

A tap that is told its columns rejects a line of another type at the border, and the target a record without its key;
so the two files must agree.
"""

from __future__ import annotations

from collections.abc import Iterator

from ecommerce_pipeline.quality.contracts.contract import Contract
from ecommerce_pipeline.quality.contracts.reading import read, systems
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.streams import Stream, extractors

TYPES = {"string": "text", "long": "bigint"}  # the taps' words for the contracts'


def disagreements(settings: Settings) -> list[str]:
    """Where meltano.yml and the contracts differ, each with the next step; streams without a contract are no error.
    Raises ContractError and StreamsError.
    """
    contracts, known = read(settings), systems(settings)
    streams = {f"{one.system}.{one.table}": one for extractor in extractors(settings) for one in extractor.streams}
    found = []
    for name, contract in contracts.items():
        if name not in streams:
            found.append(
                f"{name} has a contract and no stream. Next: add it to meltano/meltano.yml, or delete {name}.yml"
            )
            continue
        found.extend(f"{name}: {text}" for text in _of(contract, streams[name]))
        schema = known[contract.system].schema if contract.system in known else streams[name].namespace
        if schema != streams[name].namespace:
            found.append(f"{name} lands in {streams[name].namespace}, not in {schema}. Next: correct systems.yml")
    return found


def uncovered(settings: Settings) -> list[str]:
    """Streams that nobody has made a contract for."""
    known = read(settings)
    names = [f"{one.system}.{one.table}" for extractor in extractors(settings) for one in extractor.streams]
    return [name for name in names if name not in known]


def _of(contract: Contract, stream: Stream) -> Iterator[str]:
    key, field = stream.key_properties, stream.replication_key
    if key and tuple(contract.key) != key:
        yield f"the key is {', '.join(contract.key)}, meltano.yml says {', '.join(key)}. Next: make them one"
    if field and field not in contract.fields:
        yield f"meltano.yml reads by {field}, which the contract does not know. Next: add the field"
    for name, declared in stream.columns.items():
        if name not in contract.fields:
            yield f"meltano.yml has the column {name}, the contract has not. Next: add it there, or delete it"
        elif (kind := TYPES.get(declared, declared).replace(" ", "")) != contract.fields[name].type:
            yield (
                f"{name} is {contract.fields[name].type} in the contract and {kind} in meltano.yml. Next: make them one"
            )
