"""The loader's own columns:

which commit, which row of it, when, by which run. (_sdc_commit_seq, _sdc_sequence) orders all versions of a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from .columns import exact_cast

TIMESTAMP = pa.timestamp("us")


@dataclass
class Stamp:
    """Stamps rows in the order they arrive."""

    commit_seq: int
    run_id: str
    sequence: int = 0

    def apply(self, rows: pa.Table, columns: pa.Schema, extracted_at: datetime | None) -> pa.Table:
        """The rows as the table's columns, in its order; columns the rows lack are NULL. Times are UTC without zone."""
        count, now = rows.num_rows, datetime.now(UTC).replace(tzinfo=None)
        own: dict[str, Any] = {
            "_sdc_commit_seq": pa.repeat(pa.scalar(self.commit_seq, pa.int64()), count),
            "_sdc_sequence": pa.array(range(self.sequence, self.sequence + count), pa.int64()),
            "_sdc_extracted_at": self._extracted(rows, extracted_at or now),
            "_sdc_batched_at": pa.repeat(pa.scalar(now, TIMESTAMP), count),
            "_sdc_run_id": pa.repeat(pa.scalar(self.run_id), count),
        }
        self.sequence += count
        return pa.table([_column(own, rows, field) for field in columns], schema=columns)

    @staticmethod
    def _extracted(rows: pa.Table, default: datetime) -> Any:
        if "_sdc_extracted_at" not in rows.schema.names:
            return pa.repeat(pa.scalar(default, TIMESTAMP), rows.num_rows)
        return pc.fill_null(rows["_sdc_extracted_at"].cast(TIMESTAMP), pa.scalar(default, TIMESTAMP))


def without_keys(rows: pa.Table, keys: list[str]) -> tuple[pa.Table, pa.Table]:
    """Rows with all their keys, and rows that lack one."""
    lacking = [pc.is_null(rows[key]) for key in keys if key in rows.schema.names and rows[key].null_count]
    if not lacking:
        return rows, rows.slice(0, 0)
    mask = lacking[0]
    for other in lacking[1:]:
        mask = pc.or_(mask, other)
    return rows.filter(pc.invert(mask)), rows.filter(mask)


def as_json(row: Mapping[str, Any]) -> str:
    """A row as JSON text, decimals and times exact."""
    return msgspec.json.encode(row, enc_hook=str).decode()


def _column(own: Mapping[str, Any], rows: pa.Table, field: pa.Field) -> Any:
    if field.name in own:
        return own[field.name]
    if field.name in rows.schema.names:
        return exact_cast(rows[field.name], field.type)
    return pa.nulls(rows.num_rows, field.type)
