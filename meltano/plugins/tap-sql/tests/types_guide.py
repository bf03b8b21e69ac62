"""Draws docs/guides/types.md from the cases of the type tests. To write it anew:

.venv/bin/python meltano/plugins/tap-sql/tests/types_guide.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mariadb_cases import MARIADB
from postgres_cases import POSTGRES
from type_cases import Case

GUIDE = Path(__file__).parents[4] / "docs" / "guides" / "types.md"
LONGEST = 34
INTRODUCTION = """\
# Types
What each type of PostgreSQL, MySQL and MariaDB becomes in an Iceberg table, and what is done with values that no type
of the lake holds. The tables are drawn from the cases of `meltano/plugins/tap-sql/tests`: every value below is
written to a real server, loaded by `tap-sql` and `target-iceberg` and compared as PyIceberg, DuckDB and Trino read
it. A test fails when this page is not what the cases say; `.venv/bin/python
meltano/plugins/tap-sql/tests/types_guide.py` writes it anew.

- A value arrives as it is or not at all. What a column cannot hold makes its row a **reject**: it stands in
  `quality.rejects` with its text and the reason, and the run goes on until more than a set share is rejected
  (`SHOPSPHERE_REJECTS_LIMIT`).
- A type that the lake does not have becomes **text**, as the server writes it.
- Decimals have up to 38 digits; more, or no declared precision, is text. Cast such a column in a view to reckon with
  it.
- Times are UTC. A time without a zone is kept without one. Iceberg's calendar has the years 1 to 9999.
- NULL is NULL in every type, an empty text is an empty text.
- Text is UTF-8, whatever the encoding of the database. Bytes that are none, as a PostgreSQL in SQL_ASCII may hold,
  make their row a reject; by its log (`LOG_BASED`) such a database stops the run.
- A Singer tap other than these follows its JSON schema: `integer` becomes `long`, `number` `double` (with
  `multipleOf` `decimal(38,s)`), `date-time` `timestamptz`, `date` and `time` themselves, objects, arrays and mixed
  types JSON text; `x-iceberg-type` says it exactly.
- What happens when a type changes: [schema changes](schema-changes.md).
"""


def render() -> str:
    """The page."""
    parts = [INTRODUCTION, "## PostgreSQL\n", _table(POSTGRES), "## MySQL and MariaDB\n", _table(MARIADB)]
    return "\n".join(parts)


def _table(cases: Sequence[Case]) -> str:
    head = ["| type | in the lake | values compared | rejected | |", "|---|---|---|---|---|"]
    return "\n".join([*head, *map(_row, cases)]) + "\n"


def _row(case: Case) -> str:
    cells = [f"`{_plain(case.sql)}`", f"`{case.becomes}`", _shown(case.values), _shown(case.rejected), case.note]
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def _shown(literals: Sequence[str]) -> str:
    return ", ".join(f"`{_plain(_short(literal))}`" for literal in literals)


def _short(literal: str) -> str:
    return literal if len(literal) <= LONGEST else f"{literal[: LONGEST - 12]}…{literal[-8:]}"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")


if __name__ == "__main__":
    GUIDE.write_text(render(), "utf-8")
