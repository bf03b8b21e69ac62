"""Where each column comes from: read off a model's compiled SQL with sqlglot, and remembered by content.

A model's lineage changes only when its SQL or the columns of what it reads change, so results are kept under the hash
of both in the home folder and a daily run computes nothing. SQL that sqlglot cannot read gives no lineage for that
model; the run goes on and says so.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagster import AssetKey, TableColumnDep
from pyiceberg.catalog import Catalog

from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation.project import Manifest

log = logging.getLogger(__name__)

DIALECTS = {"embedded": "duckdb", "stack": "trino"}
Origins = dict[str, list[list[str]]]  # column -> [schema, table, column] of each column it is made of


class Lineage:
    """Column lineage of one project's models."""

    def __init__(self, settings: Settings, manifest: Manifest, catalog: Catalog) -> None:
        self._catalog = catalog
        self._dialect = DIALECTS[settings.profile]
        self._folder = settings.home / "dbt" / settings.profile / "lineage"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._relations = {**manifest["nodes"], **manifest["sources"]}

    def of(self, unique_id: str, compiled_code: str) -> dict[str, Sequence[TableColumnDep]]:
        """The columns of the assets that each column of a model is made of."""
        if not compiled_code.strip():
            return {}
        origins = self._remembered(unique_id, compiled_code)
        return {
            column: [TableColumnDep(asset_key=AssetKey(origin[:2]), column_name=origin[2]) for origin in found]
            for column, found in origins.items()
        }

    def _remembered(self, unique_id: str, compiled_code: str) -> Origins:
        tables = self._tables_read(unique_id)
        content = json.dumps([self._dialect, compiled_code, tables], sort_keys=True)
        path = self._folder / f"{hashlib.sha256(content.encode()).hexdigest()[:32]}.json"
        if path.exists():
            remembered: Origins = json.loads(path.read_bytes())
            return remembered
        found = _trace(compiled_code, tables, self._dialect, unique_id)
        path.write_text(json.dumps(found))
        return found

    def _tables_read(self, unique_id: str) -> dict[str, dict[str, dict[str, str]]]:
        """schema → table → column → type, of what the compiled SQL can name: the node's parents, and itself."""
        tables: dict[str, dict[str, dict[str, str]]] = {}
        for relation in [self._relations[unique_id], *self._parents(unique_id)]:
            name = relation.get("alias") or relation.get("identifier") or relation["name"]
            columns = self._columns(relation, (relation["schema"], name))
            if columns:
                tables.setdefault(relation["schema"], {})[name] = columns
        return tables

    def _parents(self, unique_id: str) -> Iterator[Mapping[str, Any]]:
        """Tables the node reads; an ephemeral model is part of its SQL, so its parents stand for it."""
        for parent_id in self._relations[unique_id].get("depends_on", {}).get("nodes", []):
            parent = self._relations.get(parent_id)
            if parent is not None and parent["config"].get("materialized") == "ephemeral":
                yield from self._parents(parent_id)
            elif parent is not None:
                yield parent

    def _columns(self, node: Mapping[str, Any], identifier: tuple[str, str]) -> dict[str, str]:
        """A model's from its contract; a raw table's from the table, which follows its source."""
        declared = {name: column.get("data_type") or "varchar" for name, column in (node.get("columns") or {}).items()}
        if node["resource_type"] != "source":
            return declared
        return {field.name: "varchar" for field in self._catalog.load_table(identifier).schema().fields}


def _trace(sql: str, tables: Mapping[str, Any], dialect: str, unique_id: str) -> Origins:
    import sqlglot
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage

    try:
        query = sqlglot.parse_one(sql, dialect=dialect)
        for table in query.find_all(sqlglot.exp.Table):
            table.set("catalog", None)  # the branch's or the lake's name says nothing about the column
        nodes = lineage(None, query, dict(tables), dialect=dialect, trim_selects=False, copy=False)
    except (SqlglotError, ValueError, RecursionError) as error:
        log.warning("no column lineage for %s: sqlglot cannot read its SQL (%s)", unique_id, error)
        return {}
    return {column: _leaves(node) for column, node in nodes.items()}


def _leaves(node: Any) -> list[list[str]]:
    """The physical columns at the ends of a column's graph."""
    from sqlglot import exp

    found = {
        (leaf.source.db, leaf.source.name, leaf.name.rsplit(".", 1)[-1])
        for leaf in node.walk()
        if not leaf.downstream and isinstance(leaf.source, exp.Table) and leaf.source.db
    }
    return sorted([list(origin) for origin in found])
