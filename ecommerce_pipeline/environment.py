"""What Meltano and its plugins find in their environment: the authority on how the settings reach other programs.

The Singer packages import nothing of the pipeline, so the settings are rendered for them: addresses and secrets of
the sources, the lake's catalog, the folders. A team's own `SHOPSPHERE_…` values in `.env` go along, so that a new
extractor in `meltano.yml` can name them without a line of Python.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from ecommerce_pipeline.env_file import write_private
from ecommerce_pipeline.lakehouse.catalog import catalog_properties
from ecommerce_pipeline.settings import Settings

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
LEASE = "ecommerce_pipeline.lakehouse.lease:hold_tables"


def variables(settings: Settings) -> dict[str, str]:
    """The variables that `meltano.yml` may name; some hold secrets, so never log them."""
    own = {name: value for name, value in dotenv_values(settings.env_file).items() if value is not None}
    own |= {name: value for name, value in os.environ.items() if name.startswith("SHOPSPHERE_")}
    return own | _sources(settings) | _lake(settings) | _meltano(settings)


def process_environment(settings: Settings) -> dict[str, str]:
    """The whole environment of a Meltano process: this one's, the variables, and the project's own programs first."""
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    return {**os.environ, **variables(settings), "PATH": path, "PYTHONUNBUFFERED": "1"}


def write_shell_environment(settings: Settings) -> Path:
    """Write `meltano/.env` (0600), by which `meltano run` from a shell reaches what Dagster does; returns its path."""
    path = settings.root / "meltano" / ".env"
    lines = [f"{name}={_quoted(value)}\n" for name, value in sorted(variables(settings).items())]
    write_private(path, "# Rendered from the pipeline's settings; changes are overwritten.\n" + "".join(lines))
    return path


def keep_shell_environment(settings: Settings) -> None:
    """Write `meltano/.env` anew, but leave it to the first lake if these settings are a second one's."""
    if settings.env_file.parent == settings.root:
        write_shell_environment(settings)


def _sources(settings: Settings) -> dict[str, str]:
    found = {
        "SHOPSPHERE_SHOP_URL": settings.shop_url.get_secret_value(),
        "SHOPSPHERE_CATALOG_URL": settings.catalog_url.get_secret_value(),
        "SHOPSPHERE_HUBSPOT_URL": settings.hubspot_url,
        "SHOPSPHERE_HUBSPOT_TOKEN": settings.hubspot_token.get_secret_value(),
        "SHOPSPHERE_WEB_EVENTS_PATH": settings.web_events_path,
        "SHOPSPHERE_CRM_PATH": settings.crm_path,
    }
    return {name: value for name, value in found.items() if value}


def _lake(settings: Settings) -> dict[str, str]:
    return {
        "SHOPSPHERE_HOME": str(settings.home),
        "SHOPSPHERE_ENV_FILE": str(settings.env_file),
        "SHOPSPHERE_LAKE_CATALOG_URI": settings.catalog_uri,
        "SHOPSPHERE_LAKE_WAREHOUSE": settings.warehouse,
        "SHOPSPHERE_STAGE_DIR": str(settings.stage_dir),
        "SHOPSPHERE_LAKE_PROPERTIES": json.dumps(catalog_properties(settings, "ingestion")),
        "SHOPSPHERE_REJECTS_LIMIT": str(settings.rejects_limit),
        "SHOPSPHERE_LEASE": LEASE,
    }


def _meltano(settings: Settings) -> dict[str, str]:
    # Meltano's own files stand with everything generated, so that two lakes do not meet in one folder.
    home = settings.home / "meltano"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "MELTANO_SYS_DIR_ROOT": str(home),
        "MELTANO_DATABASE_URI": f"sqlite:///{home / 'meltano.db'}",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def resolved(text: str, known: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` of a Meltano setting replaced by their values; an unknown name becomes nothing."""
    return _VARIABLE.sub(lambda match: known.get(match[1] or match[2], ""), text)
