"""Whether a dashboard's charts answer: each is asked what the page would ask."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ecommerce_pipeline.dashboards import queries, sync
from ecommerce_pipeline.dashboards.client import Client, RefusedError
from ecommerce_pipeline.dashboards.files import Assets, File

AT_ONCE = 4


@dataclass(frozen=True)
class Answer:
    """What came of asking a chart: rows that say something, and seconds; or the server's error."""

    chart: str
    rows: int
    seconds: float
    error: str = ""


def of_dashboard(client: Client, assets: Assets, name: str) -> list[Answer]:
    """An answer a chart, in the order of the files; what the server remembered of their datasets is forgotten first."""
    numbers = sync.ids(client, "datasets")
    _forget(client, assets, numbers, name)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(lambda chart: _ask(client, assets, numbers, chart), assets.charts_of(name)))


def _forget(client: Client, assets: Assets, numbers: Mapping[str, int], name: str) -> None:
    """Everybody's answers, not only those of whoever asks here."""
    read = {assets.datasets()[chart.body["dataset"]].uuid for chart in assets.charts_of(name)}
    asked = [f"{numbers[uuid]}__table" for uuid in read if uuid in numbers]
    client.post("/api/v1/cachekey/invalidate", {"datasource_uids": asked})


def _ask(client: Client, assets: Assets, numbers: Mapping[str, int], chart: File) -> Answer:
    title, began = str(chart.body["slice_name"]), time.monotonic()
    number = numbers.get(assets.datasets()[chart.body["dataset"]].uuid)
    if number is None:
        return Answer(title, 0, 0.0, f"the server has no dataset {chart.body['dataset']}")
    try:
        found = client.post("/api/v1/chart/data", queries.context(chart.body["params"], number))
    except RefusedError as error:
        return Answer(title, 0, time.monotonic() - began, str(error))
    rows = min(len(list(_telling(result))) for result in found["result"])
    return Answer(title, rows, time.monotonic() - began)


def _telling(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The rows with a value: an aggregate of nothing is a row of nulls."""
    return (row for row in result.get("data") or [] if any(value is not None for value in row.values()))
