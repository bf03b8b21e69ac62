"""What the pipeline said about records: every row of the quality tables, to be found by table and key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from benchmarks.exam.expected import EXPECTED, QUARANTINE, REJECTS, Expected
from ecommerce_pipeline.quality.contracts import reading
from ecommerce_pipeline.settings import get_settings
from shopsphere.ledger import Entry

SAID = """
select 'quarantine' as place, source_system || '.' || source_table as source, record_key, rule, status, dimension,
  null as field, null as raw_record from quality.quarantine
union all select 'corrections', source_system || '.' || source_table, record_key, rule, status, dimension, field, null
  from quality.corrections
union all select 'findings', source_system || '.' || source_table, record_key, rule, status, dimension, field, null
  from quality.findings
union all select 'rejects', source_system || '.' || source_table, cast(customer_id as varchar), rule, 'rejected',
  case when dimension = 'validity' then 'accuracy' else dimension end, null, raw_record from quality.rejects
"""
TOLD, RELEASED = ("nulled", "imputed", "inferred", "kept"), "released"


class Said:
    """What the pipeline said about records: by table and key."""

    def __init__(self, connection: Any, entries: Iterable[Entry]) -> None:
        self.rows = connection.execute(SAID).pl()
        self.contracts = reading.read(get_settings())
        by_text = {line_of(entry): key_of(entry) for entry in entries if place_of(entry) == REJECTS}
        self.of: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for row in self.rows.iter_rows(named=True):
            key = by_text.get(row["raw_record"], row["record_key"]) if row["place"] == REJECTS else row["record_key"]
            self.of[row["source"], str(key)].append(row)

    def caught(self, source: str, key: str, expected: Expected) -> dict[str, Any] | None:
        """The row that says what was expected of a record."""
        said = self.of.get((source, key), [])
        return next((row for row in said if row["place"] == expected.place and row["rule"] in expected.rules), None)

    def is_held(self, source: str, key: str) -> bool:
        """Whether the record is kept out of the tables."""
        return any(row["place"] in (QUARANTINE, REJECTS) for row in self.of.get((source, key), []))

    def fields_told(self, source: str, key: str) -> set[str]:
        """The fields of the record of which somebody can know that they are not as they truly are: a rule said so, or a
        person let them in against a rule.
        """
        rows = self.of.get((source, key), [])
        released = [row["rule"] for row in rows if row["status"] == RELEASED]
        waived = {name for rule in released for name in self.contracts[source].rules[rule].fields}
        return {row["field"] for row in rows if row["status"] in TOLD} | waived


def place_of(entry: Entry) -> str:
    return EXPECTED[entry.kind].place


def line_of(entry: Entry) -> str:
    """The text of a rejected line; the CRM's rows are found by their customer."""
    return entry.written.get("line") or ""


def key_of(entry: Entry) -> str:
    """The record's key as the quality tables write it."""
    if entry.kind == "product unknown to the catalog":
        return str(entry.written["product_id"])
    return true_key(entry)


def true_key(entry: Entry) -> str:
    return "-".join(entry.key.values())


def written_key(entry: Entry) -> str:
    return "-".join(str(value) for value in {**entry.key, **entry.written}.values())
