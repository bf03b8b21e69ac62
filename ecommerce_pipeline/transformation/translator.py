"""How a dbt node looks as an asset: the authority on keys, groups, owners, kinds, tags and column schemas of models.

An asset's key is its address in the lake (`lake.finance.daily_revenue` is finance/daily_revenue), a source's key is
the raw table it reads, and everything else is what the model's own YAML says, so that an analytics engineer changes
the graph by editing dbt alone: `meta.owner` becomes the owner, `meta.partitions: daily` asks for daily partitions
(with `meta.catch_up: false` where a past day cannot be built again), and a column's `meta.class` its sensitivity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagster import (
    AssetCheckSpec,
    AssetKey,
    AssetSpec,
    PartitionsDefinition,
    TableColumn,
    TableSchema,
)
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from ecommerce_pipeline.transformation.project import Manifest

ASSET_TYPES = {"model", "seed", "snapshot"}
SENSITIVITY = ("public", "internal", "personal", "secret")  # from the least to the most

Props = Mapping[str, Any]


class ModelTranslator(DagsterDbtTranslator):
    """Translates this project's nodes; `daily` are the partitions given to models that ask for them."""

    def __init__(self, daily: PartitionsDefinition[str] | None = None) -> None:
        super().__init__(
            settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True, enable_source_metadata=False)
        )
        self._daily = daily

    def get_asset_key(self, dbt_resource_props: Props) -> AssetKey:
        """[schema, table], for a model and for the raw table that a source names."""
        if dbt_resource_props["resource_type"] == "source":
            return AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return AssetKey([dbt_resource_props["schema"], dbt_resource_props["alias"]])

    def get_group_name(self, dbt_resource_props: Props) -> str | None:
        """The layer, which is the schema."""
        return str(dbt_resource_props["schema"])

    def get_description(self, dbt_resource_props: Props) -> str:
        """The model's own description, grain included; the SQL is one click away and would bury it."""
        return str(dbt_resource_props.get("description", "")).strip()

    def get_owners(self, dbt_resource_props: Props) -> Sequence[str] | None:
        """`meta.owner`: an e-mail address, or a team's name."""
        owner = meta_of(dbt_resource_props).get("owner")
        if not owner:
            return None
        return [owner if "@" in owner or owner.startswith("team:") else f"team:{owner}"]

    def get_tags(self, dbt_resource_props: Props) -> Mapping[str, str]:
        """dbt's own tags, and the highest sensitivity class among the columns."""
        return {**super().get_tags(dbt_resource_props), **_sensitivity_tag(dbt_resource_props)}

    def get_metadata(self, dbt_resource_props: Props) -> Mapping[str, Any]:
        """The contract's columns with their classes, and the table's full name."""
        name = f"lake.{dbt_resource_props['schema']}.{_table_name(dbt_resource_props)}"
        schema = column_schema(dbt_resource_props)
        return {"dagster/table_name": name, **({"dagster/column_schema": schema} if schema else {})}

    def get_partitions_def(self, dbt_resource_props: Props) -> PartitionsDefinition[str] | None:
        """Daily partitions for a table that keeps one row set an as_of day."""
        return self._daily if meta_of(dbt_resource_props).get("partitions") == "daily" else None

    def get_asset_spec(self, manifest: Manifest, unique_id: str, project: Any) -> AssetSpec:
        """As dagster-dbt makes it, with the kinds that hold for every engine."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.replace_attributes(kinds={"dbt", "iceberg"})


def specs(manifest: Manifest, translator: ModelTranslator) -> tuple[list[AssetSpec], list[AssetCheckSpec]]:
    """Every model and seed as an asset, every test on them and on the raw tables they read as a check.

    Straight from the manifest: asking dbt's selection engine for "everything" costs a second at each start.
    """
    nodes = [node for node in manifest["nodes"].values() if _is_asset(node)]
    assets = [translator.get_asset_spec(manifest, node["unique_id"], None) for node in nodes]
    targets = [*(node["unique_id"] for node in nodes), *sorted(_sources_read(manifest, nodes))]
    return assets, [check for target in targets for check in _checks_on(manifest, translator, target)]


def meta_of(props: Props) -> Mapping[str, Any]:
    """A node's or column's `meta`, wherever this version of dbt keeps it."""
    return {**(props.get("meta") or {}), **((props.get("config") or {}).get("meta") or {})}


def column_schema(props: Props) -> TableSchema | None:
    """The contract's columns: type, description, sensitivity class, real or simulated."""
    columns = props.get("columns") or {}
    if not columns:
        return None
    return TableSchema(columns=[_column(name, column) for name, column in columns.items()])


def _column(name: str, column: Props) -> TableColumn:
    meta = meta_of(column)
    tags = {key: str(meta[key]) for key in ("class", "origin") if key in meta}
    return TableColumn(name, type=column.get("data_type") or "", description=column.get("description"), tags=tags)


def _sensitivity_tag(props: Props) -> Mapping[str, str]:
    classes = {meta_of(column).get("class") for column in (props.get("columns") or {}).values()}
    highest = [name for name in SENSITIVITY if name in classes][-1:]
    return {"sensitivity": highest[0]} if highest else {}


def _table_name(props: Props) -> str:
    return str(props.get("alias") or props.get("identifier") or props["name"])


def _is_asset(node: Props) -> bool:
    return node["resource_type"] in ASSET_TYPES and node["config"].get("materialized") != "ephemeral"


def _sources_read(manifest: Manifest, nodes: Sequence[Props]) -> set[str]:
    return {
        parent
        for node in nodes
        for parent in node.get("depends_on", {}).get("nodes", [])
        if parent in manifest["sources"]
    }


def _checks_on(manifest: Manifest, translator: ModelTranslator, unique_id: str) -> Iterator[AssetCheckSpec]:
    spec = translator.get_asset_spec(manifest, unique_id, None)
    for child in manifest["child_map"].get(unique_id, []):
        if child.startswith("test."):
            check = translator.get_asset_check_spec(spec, manifest, child, None)
            if check:
                yield check
