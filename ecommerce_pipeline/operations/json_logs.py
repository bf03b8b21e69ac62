"""What runs say, a JSON object a line, for whoever collects logs: time (UTC), level, message, run, job, step, asset.

Dagster hands its run log to handlers named in `dagster.yaml`; this is how ours writes. Meltano's lines keep the
plugin that said them, and the step is the extractor, so a stream's words are found by either.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from ecommerce_pipeline.settings import Settings

LARGEST, KEPT = 20_000_000, 5  # bytes of one file, and how many older ones stay


class JsonFormatter(logging.Formatter):
    """Named in `dagster.yaml`, made by Python's logging."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        about: Any = getattr(record, "dagster_meta", None) or {}
        event = about.get("dagster_event")
        key = event.asset_key if event is not None else None
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": about.get("orig_message") or record.getMessage(),
            "run": about.get("run_id"),
            "job": about.get("job_name"),
            "step": about.get("step_key"),
            "event": about.get("dagster_event_type") or (event.event_type_value if event is not None else None),
            "asset": ".".join(key.path) if key is not None else None,
        }
        return json.dumps({name: value for name, value in line.items() if value is not None}, ensure_ascii=False)


def configuration(settings: Settings) -> dict[str, object]:
    """The part of `dagster.yaml`."""
    settings.log_dir.mkdir(parents=True, exist_ok=True)
    handler = {
        "class": "logging.handlers.RotatingFileHandler",
        "level": "DEBUG",  # Dagster's own events are of this level
        "formatter": "json",
        "filename": str(settings.log_dir / "runs.jsonl"),
        "maxBytes": LARGEST,
        "backupCount": KEPT,
        "encoding": "utf-8",
    }
    formatter = {"()": f"{__name__}.{JsonFormatter.__name__}"}
    return {
        "python_logs": {"dagster_handler_config": {"handlers": {"runs": handler}, "formatters": {"json": formatter}}}
    }
