"""What readers may build on: tables, columns, metrics and dashboards as dbt's manifest declares them.

Labels, descriptions and metrics are said once, in the models' YAML: a column's `meta.label`, a model's `meta.metrics`.
Superset's datasets are made from here and never describe anything themselves. Layers below the core are no reader's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Manifest = Mapping[str, Any]
Props = Mapping[str, Any]

WITHHELD = frozenset({"staging", "intermediate", "seeds"})  # and everything raw
CLOSED = frozenset({"personal", "secret"})
DAYS = ("date", "timestamp")


@dataclass(frozen=True)
class Column:
    """A column of a table's contract."""

    name: str
    type: str
    label: str
    description: str
    sensitivity: str

    @property
    def is_open(self) -> bool:
        """Whether every analyst may see it: it says nothing about a person."""
        return self.sensitivity not in CLOSED

    @property
    def is_time(self) -> bool:
        """Whether it is a day or a moment."""
        return self.type.startswith(DAYS)


@dataclass(frozen=True)
class Metric:
    """A figure, defined once: its SQL, and how it is called, explained and written."""

    name: str
    sql: str
    label: str
    description: str
    format: str | None


@dataclass(frozen=True, eq=False)
class Table:
    """A table of the lake that readers know, with its columns in the contract's order."""

    schema: str
    name: str
    unique_id: str
    description: str
    owner: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """schema.table."""
        return f"{self.schema}.{self.name}"

    @property
    def open_columns(self) -> list[Column]:
        """What readers see of it."""
        return [column for column in self.columns.values() if column.is_open]

    @property
    def has_closed_columns(self) -> bool:
        """Whether something of it is withheld."""
        return len(self.open_columns) < len(self.columns)


@dataclass(frozen=True)
class Exposure:
    """A dashboard as dbt declares it: its title, its reader, and the tables it reads."""

    name: str
    label: str
    description: str
    owner: str
    tables: frozenset[str]


@dataclass(frozen=True)
class Contract:
    """Everything that dashboards may refer to, by address and by name."""

    tables: Mapping[str, Table]
    exposures: Mapping[str, Exposure]


def read(manifest: Manifest) -> Contract:
    """The contract in a manifest."""
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "snapshot")]
    found = [_table(node) for node in [*nodes, *manifest["sources"].values()] if _is_for_readers(node)]
    by_id = {table.unique_id: table.address for table in found}
    return Contract(
        tables={table.address: table for table in found},
        exposures={
            node["name"]: _exposure(node, by_id)
            for node in manifest["exposures"].values()
            if node["type"] == "dashboard"
        },
    )


def meta_of(props: Props) -> Mapping[str, Any]:
    """A node's or column's `meta`, wherever this version of dbt keeps it."""
    return {**(props.get("meta") or {}), **((props.get("config") or {}).get("meta") or {})}


def _is_for_readers(node: Props) -> bool:
    described = bool(node.get("columns"))
    return described and node["schema"] not in WITHHELD and not node["schema"].startswith("raw_")


def _table(node: Props) -> Table:
    meta = meta_of(node)
    return Table(
        schema=node["schema"],
        name=node.get("alias") or node.get("identifier") or node["name"],
        unique_id=node["unique_id"],
        description=_line(node.get("description")),
        owner=str(meta.get("owner", "")),
        columns={name: _column(name, column) for name, column in node["columns"].items()},
        metrics={metric.name: metric for metric in _metrics(meta.get("metrics") or {})},
    )


def _column(name: str, column: Props) -> Column:
    meta = meta_of(column)
    return Column(
        name=name,
        type=str(column.get("data_type") or ""),
        label=str(meta.get("label") or humanise(name)),
        description=_line(column.get("description")),
        sensitivity=str(meta.get("class", "internal")),
    )


def _metrics(declared: Mapping[str, Props]) -> Iterator[Metric]:
    for name, props in declared.items():
        yield Metric(
            name=name,
            sql=_line(props["sql"]),
            label=str(props.get("label") or humanise(name)),
            description=_line(props.get("description")),
            format=props.get("format"),
        )


def _exposure(node: Props, by_id: Mapping[str, str]) -> Exposure:
    return Exposure(
        name=node["name"],
        label=node.get("label") or humanise(node["name"]),
        description=_line(node.get("description")),
        owner=str((node.get("owner") or {}).get("email") or ""),
        tables=frozenset(by_id.get(parent, parent) for parent in node["depends_on"]["nodes"]),
    )


def humanise(name: str) -> str:
    """`unique_customers` → `Unique customers`."""
    return name.strip("_").replace("_", " ").capitalize()


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
