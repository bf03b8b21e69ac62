"""What the selected models read and this run does not build: it must be in the lake, or nothing is begun.

dbt would find out table by table, in the engine's words ("Schema 'quality' does not exist"), and only after it had
built what stands before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dagster import Failure
from dagster_dbt.asset_utils import get_node

from ecommerce_pipeline.lakehouse import contents, database
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation.project import Manifest


def check(settings: Settings, manifest: Manifest, selected: Collection[str], branch: str) -> None:
    """Fail for good, with what to do next, if a table is missing that the selected models (dbt's unique ids) read."""
    lacking = missing(settings, manifest, selected, branch)
    if not lacking:
        return
    tables, readers = sorted(lacking), sorted(set().union(*lacking.values()))
    raise Failure(
        description=(
            f"Nothing was built: the lake has no {', '.join(tables[:10])}, which {', '.join(readers[:5])} "
            f"{'reads' if len(readers) == 1 else 'read'}.\n"
            f"Next: materialise that first, or all in one go: `shopsphere materialize '+{readers[0]}'`."
        ),
        metadata={"missing": tables},
        allow_retries=False,
    )


def missing(settings: Settings, manifest: Manifest, selected: Collection[str], branch: str) -> dict[str, set[str]]:
    """Tables (`schema.table`) that no reader of the branch would find, each with the selected models that read it.

    `selected` are unique ids of dbt's. Models that exist only inside others (ephemeral) are looked through. Sources
    whose meta says `made_by_need` are spared: their readers do without.
    """
    with database.snapshot(settings) as connection:
        held = {f"{name.namespace}.{name.table}" for name in contents.tables_of(connection, branch)}
    found: dict[str, set[str]] = {}
    for unique_id in selected:
        for read in _read_by(manifest, unique_id):
            if read not in selected and (table := _address(manifest, read)) not in held:
                found.setdefault(table, set()).add(_address(manifest, unique_id))
    return found


def _read_by(manifest: Manifest, unique_id: str) -> Iterator[str]:
    for read in get_node(manifest, unique_id).get("depends_on", {}).get("nodes", []):
        node = get_node(manifest, read)
        if node.get("config", {}).get("materialized") == "ephemeral":
            yield from _read_by(manifest, read)
        elif not node.get("meta", {}).get("made_by_need"):
            yield read


def _address(manifest: Manifest, unique_id: str) -> str:
    node = get_node(manifest, unique_id)
    return f"{node['schema']}.{node.get('alias') or node['identifier']}"
