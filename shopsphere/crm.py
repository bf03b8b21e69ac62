"""The legacy CRM's export, demographics.csv: all of it real, the whole file each time.

Missing values are real too (home ownership, marital status). Its faults, when asked for: income or household size
missing, a row with too few columns, and a no-break space in Latin-1 where a space should be, which is not UTF-8. They
stay in later exports, which a system of that age would not mend.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl

from shopsphere.ledger import Entry
from shopsphere.purchases import Copy

COLUMNS = (
    "household_id",
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)
KINDS = ("income missing", "household size missing", "too few columns", "Latin-1 bytes")


def export(folder: Path, copies: Iterable[Copy], rate: float, day: date, known: Iterable[Entry] = ()) -> list[Entry]:
    """Writes the file anew and gives what is broken in it: a share of the rows, and those `known` to be broken
    already.
    """
    copies = list(copies)
    rows = pl.concat([copy.package_rows("demographics") for copy in copies]).sort("customer_id")
    ids, draws = rows["customer_id"], copies[0].draws
    before = {entry.key["household_id"] for entry in known}
    broken = draws.share("fault in crm", ids) < rate
    which = draws.below(len(KINDS), "kind of fault in crm", ids)
    lines, entries = [",".join(COLUMNS).encode()], []
    for values, hit, number in zip(rows.rows(), broken, which, strict=True):
        row = ["" if value is None else str(value) for value in values]
        line, entry = _line(row, KINDS[number] if hit or row[0] in before else None, day)
        lines.append(line)
        entries += [entry] if entry else []
    _replace(folder / "demographics.csv", b"\n".join(lines) + b"\n")
    return entries


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)


def _line(row: list[str], kind: str | None, day: date) -> tuple[bytes, Entry | None]:
    """A row as the file has it, and its fault."""
    if kind is None:
        return ",".join(row).encode(), None
    wrong = list(row)
    if kind == "too few columns":
        wrong = row[:-2]
    elif kind == "Latin-1 bytes":
        wrong[COLUMNS.index("household_comp")] = row[COLUMNS.index("household_comp")].replace(" ", "\u00a0", 1)
    else:
        wrong[COLUMNS.index("income" if kind == "income missing" else "household_size")] = ""
    written = dict.fromkeys(COLUMNS, None) | dict(zip(COLUMNS, wrong, strict=False))
    true = dict(zip(COLUMNS, row, strict=True))
    changed = [name for name in COLUMNS if written[name] != true[name]]
    entry = Entry(
        kind,
        "crm",
        "demographics",
        {"household_id": row[0]},
        {n: written[n] for n in changed},
        {n: true[n] for n in changed},
        day,
    )
    return ",".join(wrong).encode("latin-1"), entry
