"""The backend's Meltano settings, found through the entry-point group `meltano.settings`."""

from __future__ import annotations

from meltano.core.setting_definition import SettingDefinition, SettingKind

PROPERTIES = SettingDefinition(
    name="state_backend.iceberg.properties",
    label="Iceberg catalog properties",
    description="PyIceberg catalog properties as JSON text",
    kind=SettingKind.STRING,
    sensitive=True,
    env_specific=True,
)
CATALOG_NAME = SettingDefinition(
    name="state_backend.iceberg.catalog_name",
    label="Iceberg catalog name",
    description="name of the catalog whose tables hold the state",
    kind=SettingKind.STRING,
    value="lake",
    env_specific=True,
)
