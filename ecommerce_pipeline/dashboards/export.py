"""From the server back to git: what was changed in the UI, as the smallest change to the files.

A file whose object means the same is left as it is, to the byte. What an analyst made and put onto one of our
dashboards gets a file and an identity of ours; the analyst's own stays theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ecommerce_pipeline.dashboards import canonical, files, layout
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.files import Assets

Body = Mapping[str, Any]
OF_CHART = ("slice_name", "description", "viz_type", "uuid")
WORDS = re.compile(r"[^a-z0-9]+")


class Exporter:
    """One dashboard of the server (its whole export in `found`), on its way into the files of git."""

    def __init__(self, root: Path, assets: Assets, found: Mapping[str, Body], name: str) -> None:
        self.root, self.assets, self.found, self.name = root, assets, found, name
        self.by_uuid = {str(body["uuid"]): body for body in found.values() if "uuid" in body}
        self.datasets = {file.uuid: file.name for file in assets.of("datasets")}
        self.renamed: dict[str, str] = {}

    def write(self) -> list[Path]:
        """Writes what differs; the paths, changed or new. Raises DashboardsError when the server has no such one."""
        return [path for path, body in self._wanted() if self._put(path, body)]

    def _wanted(self) -> Iterator[tuple[Path, Body]]:
        board = self._dashboard()
        for uuid in layout.charts(board["position"]):
            yield self._chart(uuid)
        yield self.root / "dashboards" / f"{self.name}.yaml", self._board(board)

    def _dashboard(self) -> Body:
        known = self.assets.dashboards().get(self.name)
        for body in self.found.values():
            is_it = body.get("uuid") == known.uuid if known else body.get("slug") == self.name.replace("_", "-")
            if "dashboard_title" in body and is_it:
                return body
        raise DashboardsError(
            f"the server has no dashboard {self.name}. Next: `shopsphere dashboards sync`, or give the one you mean "
            f"the slug {self.name.replace('_', '-')!r} in its properties"
        )

    def _chart(self, uuid: str) -> tuple[Path, Body]:
        if uuid not in self.by_uuid:
            raise DashboardsError(f"dashboard {self.name} shows chart {uuid}, which the server does not have")
        body = self.by_uuid[uuid]
        known = next((file for file in self.assets.of("charts") if file.uuid == uuid), None)
        if body["dataset_uuid"] not in self.datasets:
            raise DashboardsError(
                f"chart {body['slice_name']!r} reads a dataset that is not in git. Next: write "
                f"superset/assets/datasets/<schema>.<table>.yaml for its table, sync, and use that dataset in the chart"
            )
        name = WORDS.sub("_", str(body["slice_name"]).lower()).strip("_")
        path = known.path if known else self.root / "charts" / self.name / f"{name}.yaml"
        if not known:
            self.renamed[uuid] = files.new_uuid("charts", f"{self.name}/{name}")
        kept = {key: body.get(key) or "" for key in OF_CHART} | {"uuid": self.renamed.get(uuid, uuid)}
        params = canonical.params(body.get("params") or {})
        return path, {**kept, "dataset": self.datasets[body["dataset_uuid"]], "params": params}

    def _board(self, body: Body) -> Body:
        known = self.assets.dashboards().get(self.name)
        metadata = canonical.metadata(body.get("metadata") or {})
        for native in metadata.get("native_filter_configuration") or []:
            native["targets"] = [self._target(target) for target in native.get("targets") or []]
        position = canonical.position(body["position"])
        for node in layout.nodes(position).values():
            meta = node.get("meta") or {}
            meta.update({"uuid": self.renamed[meta["uuid"]]} if meta.get("uuid") in self.renamed else {})
        kept = {"uuid": known.uuid if known else files.new_uuid("dashboards", self.name), "slug": body["slug"]}
        css = {"css": body["css"]} if body.get("css") else {}
        return {**kept, **css, "metadata": metadata, "position": position}

    def _target(self, target: Body) -> Body:
        if "datasetUuid" not in target:
            return target
        kept = {key: value for key, value in target.items() if key != "datasetUuid"}
        return {**kept, "dataset": self.datasets.get(target["datasetUuid"], target["datasetUuid"])}

    def _put(self, path: Path, body: Body) -> bool:
        known = next((file for file in self.assets.files if file.path == path), None)
        if known and dict(known.body) == dict(body):
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files.dump(_in_order_of(known.body, body) if known else body), "utf-8")
        return True


def _in_order_of(old: Any, new: Any) -> Any:
    """The new value with its keys in the old one's order, so that only what changed moves."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = [*(key for key in old if key in new), *(key for key in new if key not in old)]
        return {key: _in_order_of(old.get(key), new[key]) for key in keys}
    if isinstance(old, list) and isinstance(new, list):
        padded = [*old, *[None] * len(new)]
        return [_in_order_of(before, after) for before, after in zip(padded, new, strict=False)]
    return new
