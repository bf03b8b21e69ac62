"""The asset graph as operations ask it: its type, and what hangs on an asset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dagster import AssetKey, AssetSelection
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

Graph = BaseAssetGraph[Any]


def downstream(graph: Graph, tables: Iterable[AssetKey]) -> set[AssetKey]:
    """Those of the tables that the graph knows, and all that is made from them."""
    known = [key for key in tables if graph.has(key)]
    return set(AssetSelection.assets(*known).downstream().resolve(graph)) if known else set()
