"""The YAML under `superset/assets`: the authority on how charts, datasets and dashboards are written in git.

    datasets/finance.daily_revenue.yaml           the table, its time column; the rest comes from dbt
    charts/executive_sales/revenue_by_day.yaml    one chart; `dataset` is the name of a file above
    dashboards/executive_sales.yaml               layout and filters; title, text and owner are dbt's exposure

The bodies are Superset's own export format but for three things a person should not have to write: references to
datasets are names, what dbt says is left out, and numbers that differ from server to server are not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from uuid import NAMESPACE_URL, uuid5

import yaml

from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.settings import Settings

Kind = Literal["datasets", "charts", "dashboards"]
KINDS: tuple[Kind, ...] = ("datasets", "charts", "dashboards")
# Superset draws its own UUIDs at random, so these eight digits tell for good what git manages from what analysts made.
PREFIX = "5109ba5e-"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C where it was built: ten times faster


@dataclass(frozen=True)
class File:
    """One object in git."""

    kind: Kind
    path: Path
    body: Mapping[str, Any]
    text: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.name.removesuffix(".yaml")

    @property
    def uuid(self) -> str:
        """The object's identity."""
        return str(self.body.get("uuid", ""))

    @property
    def dashboard(self) -> str:
        """For a chart: the folder, which is the dashboard it belongs to."""
        return self.path.parent.name

    def __str__(self) -> str:
        return "/".join(self.path.parts[self.path.parts.index(self.kind) :])


@dataclass(frozen=True)
class Assets:
    """All of them, in the order of their paths."""

    files: tuple[File, ...]

    def of(self, kind: Kind) -> list[File]:
        """Those of a kind."""
        return [file for file in self.files if file.kind == kind]

    def datasets(self) -> dict[str, File]:
        """By the name that charts use."""
        return {file.name: file for file in self.of("datasets")}

    def charts_of(self, dashboard: str) -> list[File]:
        """The charts in a dashboard's folder."""
        return [file for file in self.of("charts") if file.dashboard == dashboard]

    def dashboards(self) -> dict[str, File]:
        """By name, which is the exposure's."""
        return {file.name: file for file in self.of("dashboards")}


def folder(settings: Settings) -> Path:
    """Where they are."""
    return settings.root / "superset" / "assets"


def read(root: Path) -> Assets:
    """The files below `root`; raises DashboardsError naming the first that is not YAML."""
    return Assets(tuple(_read(root)))


def _read(root: Path) -> Iterator[File]:
    for kind in KINDS:
        for path in sorted((root / kind).rglob("*.yaml")):
            text = path.read_text("utf-8")
            try:
                body = load(text)
            except yaml.YAMLError as error:
                raise DashboardsError(f"{path} is not YAML: {' '.join(str(error).split())}. Next: mend it") from None
            if not isinstance(body, dict):
                raise DashboardsError(f"{path} holds no object. Next: look at its neighbours, or restore it from git")
            yield File(kind, path, body, text)


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Indented lists, long texts on lines of their own; no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def dump(body: Mapping[str, Any]) -> str:
    """The one way these files are written, so that a change shows as itself in a diff."""
    return cast(str, yaml.dump(dict(body), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def load(text: str | bytes) -> Any:
    """What the YAML says; raises yaml.YAMLError."""
    return yaml.load(text, Loader=LOADER)  # noqa: S506 (a safe one)


def new_uuid(kind: Kind, name: str) -> str:
    """The identity of a new object: made from its first name, kept when it is renamed."""
    return PREFIX + str(uuid5(NAMESPACE_URL, f"shopsphere/{kind}/{name}"))[len(PREFIX) :]


def is_managed(uuid: str) -> bool:
    """Whether git made the object that has this identity."""
    return uuid.startswith(PREFIX)
