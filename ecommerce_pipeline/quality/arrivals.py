"""Whether all that a source holds has arrived: rows and amounts of a source table against the lake's, after each load.

A check of the raw table, which warns and blocks nothing. The source may have been written since it was read: rows that
changed after the latest that the lake has may be missing, and amounts are compared only when there are none. What the
border rejected may be missing too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    multi_asset_check,
)

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.tables import Address, existing
from ecommerce_pipeline.quality.contracts.contract import Contract
from ecommerce_pipeline.quality.contracts.reading import Contracts
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.streams import Extractor, Stream

NAME = "all_rows_arrived"
DELETED = "_sdc_deleted_at"
Columns = Mapping[Address, set[str]]  # of the tables that are there
REJECTS: Address = ("quality", "rejects")
Totals = Callable[[Settings, Extractor, Stream, Sequence[str], datetime | None], Sequence[Decimal]]


@dataclass(frozen=True)
class Held:
    """What a raw table holds: keys, rows refused at the border, the latest replication key (naive UTC), and the sum of
    each amount, where every key has one version only.
    """

    keys: int
    rejected: int
    latest: datetime | None
    sums: Sequence[Decimal]


def arrival_checks(
    settings: Settings, contracts: Contracts, extractors: Sequence[Extractor], totals: Totals
) -> list[AssetChecksDefinition]:
    """One op an extractor that reads tables of a database, one check a stream with a contract; `totals` asks the
    source.
    """
    found = []
    for extractor in extractors:
        streams = [one for one in extractor.streams if f"{one.system}.{one.table}" in contracts]
        if extractor.plugin == "tap-sql" and streams:
            found.append(_checks(settings, contracts, extractor, streams, totals))
    return found


def _checks(
    settings: Settings, contracts: Contracts, extractor: Extractor, streams: Sequence[Stream], totals: Totals
) -> AssetChecksDefinition:
    words = "Source and lake have the same rows and sums."
    specs = [AssetCheckSpec(NAME, asset=one.raw_key, description=words) for one in streams]

    @multi_asset_check(name=f"{extractor.name.replace('-', '_')}_arrivals", specs=specs, can_subset=True)
    def arrivals(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
        chosen = {key.asset_key for key in context.selected_asset_check_keys}
        # Before the reader pins its moment: a table that another step makes in between would be unknown to it.
        columns = _columns(settings, [tuple(one.raw_key.path) for one in streams] + [REJECTS])
        with reader.connect(settings) as lake:
            compare = _Comparison(settings, lake, columns, extractor, totals)
            for stream in streams:
                if stream.raw_key in chosen:
                    yield compare.of(stream, contracts[f"{stream.system}.{stream.table}"])

    return arrivals


def _columns(settings: Settings, addresses: Sequence[Address]) -> Columns:
    there = existing(settings, addresses)
    with open_catalog(settings) as catalog:
        return {address: set(catalog.load_table(address).schema().column_names) for address in there}


@dataclass(frozen=True)
class _Comparison:
    """The tables of one extractor, asked on both sides."""

    settings: Settings
    lake: Any
    columns: Columns
    extractor: Extractor
    totals: Totals

    def of(self, stream: Stream, contract: Contract) -> AssetCheckResult:
        columns = self.columns.get(tuple(stream.raw_key.path))
        if columns is None:
            return _result(stream, True, {"compared": "no: nothing has ever come"})
        if not set(contract.key) <= columns or (DELETED in columns and self._count(_deleted(stream))):
            return _result(stream, True, {"compared": "no: the table lacks the contract's key, or keeps deleted rows"})
        amounts = [name for name, one in contract.fields.items() if one.type.startswith("decimal") and name in columns]
        held = self._held(stream, contract, amounts)
        try:
            rows, moved, *sums = self.totals(self.settings, self.extractor, stream, amounts, held.latest)
        except Exception as error:  # the load is whole, whatever the source says now
            return _result(stream, False, {"compared": f"no: {error}"})
        said: dict[str, Any] = {
            "rows_in_source": int(rows),
            "rows_in_lake": held.keys,
            "written_since": int(moved),
            "rejected": held.rejected,
        }
        passed = rows - moved - held.rejected <= held.keys <= rows
        if held.sums and not moved and rows == held.keys:
            said |= {f"{name}: source - lake": str(a - b) for name, a, b in zip(amounts, sums, held.sums, strict=True)}
            passed = passed and list(sums) == list(held.sums)
        return _result(stream, passed, said)

    def _held(self, stream: Stream, contract: Contract, amounts: Sequence[str]) -> Held:
        table, key = ".".join(stream.raw_key.path), ", ".join(contract.key)
        latest = f"max({stream.replication_key})" if stream.replication_key else "null"
        wanted = ", ".join(["count(*)", latest, *(f"sum({name})" for name in amounts)])
        versions, newest, *sums = self.lake.execute(f"select {wanted} from {table}").fetchone()  # noqa: S608 - our names
        keys = self._count(f"(select distinct {key} from {table}) as keys")  # noqa: S608 - our own names
        where = f"source_system = '{stream.system}' and source_table = '{stream.table}'"
        rejected = self._count(f"quality.rejects where {where}") if REJECTS in self.columns else 0
        # an amount of which an earlier version stands in the log as well cannot be summed in one scan
        return Held(keys, rejected, newest, [Decimal(one or 0) for one in sums] if versions == keys else [])

    def _count(self, source: str) -> int:
        return int(self.lake.execute(f"select count(*) from {source}").fetchone()[0])  # noqa: S608 - our own names


def _deleted(stream: Stream) -> str:
    return f"{'.'.join(stream.raw_key.path)} where {DELETED} is not null"


def _result(stream: Stream, passed: bool, said: dict[str, Any]) -> AssetCheckResult:
    return AssetCheckResult(
        asset_key=stream.raw_key, check_name=NAME, passed=passed, severity=AssetCheckSeverity.WARN, metadata=said
    )
