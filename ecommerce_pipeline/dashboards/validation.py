"""Whether the dashboards in git fit the models in git, without any server: the authority on what may be merged.

Every problem is a line that names the file, what is wrong there, and what to do.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ecommerce_pipeline.dashboards import files, layout, references
from ecommerce_pipeline.dashboards.contract import Contract, Table
from ecommerce_pipeline.dashboards.files import Assets, File

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NEEDED: dict[files.Kind, dict[str, type]] = {
    "datasets": {"table": str, "uuid": str},
    "charts": {
        "slice_name": str, "description": str, "viz_type": str, "uuid": str, "dataset": str, "params": dict
    },
    "dashboards": {"uuid": str, "slug": str, "metadata": dict, "position": dict},
}  # fmt: skip
LONGEST_NAME = 250  # the column in Superset's own database


def problems(assets: Assets, contract: Contract) -> list[str]:
    """Everything that is wrong, in the order of the files; an empty list when nothing is."""
    sound = [file for file in assets.files if not list(_shape(file))]
    found = [line for file in assets.files for line in _shape(file)]
    found += _unique(assets)
    whole = Assets(tuple(sound))
    checks: Mapping[str, Callable[[File, Assets, Contract], Iterator[str]]] = {
        "datasets": _dataset,
        "charts": _chart,
        "dashboards": _dashboard,
    }
    found += [f"{file}: {line}" for file in sound for line in checks[file.kind](file, whole, contract)]
    found += [
        f"dbt's exposure {name} has no dashboards/{name}.yaml. Next: write it, or take the exposure out"
        for name in contract.exposures
        if name not in assets.dashboards()
    ]
    return found


def table_of(chart: File, assets: Assets, contract: Contract) -> Table | None:
    """The table a chart reads, None if its dataset or that one's table is not there."""
    dataset = assets.datasets().get(str(chart.body.get("dataset")))
    return contract.tables.get(str(dataset.body.get("table"))) if dataset else None


def _shape(file: File) -> Iterator[str]:
    for key, kind in NEEDED[file.kind].items():
        if not isinstance(file.body.get(key), kind) or not file.body[key]:
            yield f"{file}: `{key}` is missing or is no {kind.__name__}. Next: look at its neighbours"
            return
    if not (UUID.fullmatch(file.uuid) and files.is_managed(file.uuid)):
        suggested = files.new_uuid(file.kind, file.name)
        yield f"{file}: uuid {file.uuid} does not begin with {files.PREFIX}. Next: give it {suggested}"
    if len(str(file.body.get("slice_name", ""))) > LONGEST_NAME:
        yield f"{file}: the name is longer than {LONGEST_NAME} characters. Next: put it into `description`"
    if files.dump(file.body) != file.text:
        yield f"{file}: not written as `export` would write it. Next: `shopsphere dashboards validate --fix`"


def _unique(assets: Assets) -> Iterator[str]:
    yield from _twice("uuid", assets.files, lambda file: file.uuid)
    yield from _twice("name", assets.of("charts"), lambda file: file.body.get("slice_name"))
    yield from _twice("slug", assets.of("dashboards"), lambda file: file.body.get("slug"))


def _twice(what: str, among: Iterable[File], key: Callable[[File], Any]) -> Iterator[str]:
    among = list(among)
    for value, times in Counter(key(file) for file in among).items():
        if times > 1 and value:
            holders = ", ".join(str(file) for file in among if key(file) == value)
            yield f"{holders}: the same {what} {value!r}. Next: change all but one"


def _dataset(file: File, _assets: Assets, contract: Contract) -> Iterator[str]:
    table = contract.tables.get(str(file.body["table"]))
    if table is None:
        yield _unknown("table", str(file.body["table"]), contract.tables)
        return
    named = {key: file.body[key] for key in ("main_dttm_col", "latest_by") if file.body.get(key)}
    for key, column in named.items():
        if column not in _open(table):
            yield f"`{key}`: {_unknown('column', column, _open(table))}"


def _chart(file: File, assets: Assets, contract: Contract) -> Iterator[str]:
    if file.body["dataset"] not in assets.datasets():
        yield _unknown("dataset", str(file.body["dataset"]), assets.datasets())
        return
    table = table_of(file, assets, contract)
    if table is None:
        return  # the dataset's own problem says so
    params = file.body["params"]
    for column in dict.fromkeys(references.columns(params)):
        if column not in _open(table):
            yield f"{table.address}: {_unknown('column', column, _open(table))}"
    for metric in dict.fromkeys(references.metrics(params)):
        if metric not in table.metrics:
            yield f"{table.address}: {_unknown('metric', metric, table.metrics)}"
    for own in references.home_made(params):
        yield f"{own} is made in the chart. Next: define it in dbt, under `meta.metrics` of {table.address}"
    if file.dashboard not in assets.dashboards():
        yield f"there is no dashboards/{file.dashboard}.yaml for it. Next: put it into a dashboard's folder"


def _dashboard(file: File, assets: Assets, contract: Contract) -> Iterator[str]:
    yield from (f"{line}. Next: mend `position`" for line in layout.problems(file.body["position"]))
    shown, own = layout.charts(file.body["position"]), assets.charts_of(file.name)
    by_uuid = {chart.uuid: chart for chart in assets.of("charts")}
    for uuid, name in shown.items():
        if uuid not in by_uuid:
            yield f"the layout shows chart {uuid} ({name}), which no file holds. Next: `export` it, or take it out"
        elif by_uuid[uuid].body["slice_name"] != name:
            yield f"the layout calls {by_uuid[uuid]} {name!r}. Next: call it {by_uuid[uuid].body['slice_name']!r}"
    yield from (f"{chart} is not shown. Next: delete it, or show it" for chart in own if chart.uuid not in shown)
    yield from _filters(file, assets, contract)
    yield from _exposure(file, [by_uuid[uuid] for uuid in shown if uuid in by_uuid], assets, contract)


def _filters(file: File, assets: Assets, contract: Contract) -> Iterator[str]:
    for native in file.body["metadata"].get("native_filter_configuration") or []:
        for target in native.get("targets") or []:
            if not target:
                continue
            dataset = assets.datasets().get(str(target.get("dataset")))
            if dataset is None:
                yield f"filter {native.get('name')}: {_unknown('dataset', target.get('dataset'), assets.datasets())}"
                continue
            table = contract.tables.get(str(dataset.body["table"]))
            column = (target.get("column") or {}).get("name")
            if table and column not in _open(table):
                yield f"filter {native.get('name')}: {table.address}: {_unknown('column', column, _open(table))}"


def _exposure(file: File, shown: Iterable[File], assets: Assets, contract: Contract) -> Iterator[str]:
    exposure = contract.exposures.get(file.name)
    if exposure is None:
        yield f"dbt has no exposure {file.name}. Next: add it to dbt/models/exposures.yml"
        return
    read = {table.address for chart in shown if (table := table_of(chart, assets, contract))}
    for missing in sorted(read - exposure.tables):
        yield f"reads {missing}, which its exposure does not name. Next: add it to dbt/models/exposures.yml"
    for idle in sorted(exposure.tables - read):
        yield f"its exposure names {idle}, which no chart reads. Next: take it out of dbt/models/exposures.yml"


def _open(table: Table) -> list[str]:
    return [column.name for column in table.open_columns]


def _unknown(what: str, name: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), list(known), n=3, cutoff=0.5)
    hint = f"near it: {', '.join(near)}" if near else f"there are: {', '.join(sorted(known)[:12]) or 'none'}"
    return f"there is no {what} {name!r}; {hint}. Next: mend the name, or the model"
