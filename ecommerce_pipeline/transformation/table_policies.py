"""How each table is kept, as dbt says it: `meta: {upkeep: {keep_days: 30, sort_by: [day]}}` of a model or a source.

What a table does not name is as `lakehouse.compaction.Policy` has it. When a model itself is written anew is dbt's
affair: `meta: {rewrite_after: N}` (dbt/macros/materializations/incremental.sql).
"""

from __future__ import annotations

from ecommerce_pipeline.lakehouse.compaction import Policy
from ecommerce_pipeline.lakehouse.pointers import Name
from ecommerce_pipeline.transformation import dbt
from ecommerce_pipeline.transformation.project import Manifest
from ecommerce_pipeline.transformation.translator import Props, meta_of


def policies(manifest: Manifest) -> dict[Name, Policy]:
    """The tables with a policy of their own; raises DbtError for a word that is none."""
    found = [*manifest["nodes"].values(), *manifest["sources"].values()]
    return {_name(node): _policy(node) for node in found if meta_of(node).get("upkeep")}


def _name(node: Props) -> Name:
    return Name(node["schema"], node.get("alias") or node.get("identifier") or node["name"])


def _policy(node: Props) -> Policy:
    said = dict(meta_of(node)["upkeep"])
    wrong = sorted(said.keys() - set(Policy._fields))
    numbers = [name for name, value in said.items() if name != "sort_by" and not _is_count(value)]
    if wrong or numbers:
        raise dbt.DbtError(
            f"{node['original_file_path']}: meta.upkeep of {node['name']} has {', '.join(wrong or numbers)}, which "
            f"cannot be. Next: write whole numbers for {', '.join(Policy._fields[:-1])}, a list of columns for sort_by"
        )
    return Policy(**{**said, "sort_by": tuple(said.get("sort_by", ()))})


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
