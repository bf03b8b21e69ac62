"""State ids ↔ namespaces:

`dev:tap-shop-to-target-iceberg` is extractor tap-shop, whose `load_schema` is where its tables stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meltano.core.plugin.project_plugin import ProjectPlugin
    from meltano.core.project import Project


_KNOWN: dict[tuple[Project, str], str] = {}


class StateIds:
    """The state ids a project's extractors and loaders can have."""

    def __init__(self, project: Project | None = None) -> None:
        """The current Meltano project if none is given."""
        self._given = project

    def namespace(self, state_id: str) -> str | None:
        """The namespace of the id's extractor, None if the project has no such extractor."""
        pairs = [part for part in state_id.split(":") if "-to-" in part]
        extractor = self._extractors.get(pairs[0].partition("-to-")[0]) if pairs else None
        return None if extractor is None else self._load_schema(extractor)

    def namespaces(self) -> Iterable[str]:
        """The namespaces of all extractors."""
        return sorted({self._load_schema(extractor) for extractor in self._extractors.values()})

    def all(self) -> Iterable[str]:
        """Ids of every extractor with every loader, in the active environment; in all of them if none is active."""
        from meltano.core.plugin import PluginType

        active = self._project.environment
        environments = [active] if active else self._project.meltano.environments
        loaders = [plugin.name for plugin in self._project.plugins.get_plugins_of_type(PluginType.LOADERS)]
        return [
            f"{environment.name}:{extractor}-to-{loader}"
            for environment in environments
            for extractor in self._extractors
            for loader in loaders
        ]

    @cached_property
    def _project(self) -> Project:
        from meltano.core.project import Project

        return self._given or Project.find()

    @cached_property
    def _extractors(self) -> dict[str, ProjectPlugin]:
        from meltano.core.plugin import PluginType

        return {plugin.name: plugin for plugin in self._project.plugins.get_plugins_of_type(PluginType.EXTRACTORS)}

    def _load_schema(self, plugin: ProjectPlugin) -> str:
        """Asked for one by one: Meltano takes a tenth of a second to settle an extractor's settings."""
        key = (self._project, plugin.name)  # a run has a backend for reading and one for writing, of one project
        if key not in _KNOWN:
            from meltano.core.plugin.settings_service import PluginSettingsService

            _KNOWN[key] = str(PluginSettingsService(self._project, plugin).get("_load_schema"))
        return _KNOWN[key]
