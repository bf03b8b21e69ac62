"""Text to typed values for formats that have only text: the authority on how a declared type is written in a CSV cell.

Each reader is strict: what it does not understand is an error and becomes a reject, never a guess and never a null.
An empty cell is null.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from tap_files.declaration import Column
from tap_files.jsonlines import exactly

_INTEGER = re.compile(r"[+-]?\d{1,19}")
_REAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?")
_BOOLEANS = {"true": True, "t": True, "1": True, "yes": True, "false": False, "f": False, "0": False, "no": False}


def reader(column: Column) -> Callable[[str], Any]:
    """The function that reads a non-empty cell of the column; it raises ValueError for text that does not fit."""
    if column.kind == "decimal":
        return lambda text: _decimal(text, column)
    return _READERS[column.kind]


def _decimal(text: str, column: Column) -> Decimal:
    if not _REAL.fullmatch(text.strip()):
        raise ValueError("not a number")
    try:
        exact = exactly(Decimal(text.strip()), column)
    except InvalidOperation:  # an exponent beyond what a decimal can have
        exact = None
    if exact is None:
        raise ValueError(f"does not fit {column.type}")
    return exact


def _double(text: str) -> float:
    if not _REAL.fullmatch(text.strip()):
        raise ValueError("not a number")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("does not fit double")
    return value


def _integer(bits: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text.strip()):
            raise ValueError("not a whole number")
        value = int(text)
        if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise ValueError(f"does not fit {bits} bits")
        return value

    return read


def _boolean(text: str) -> bool:
    if (value := _BOOLEANS.get(text.strip().lower())) is None:
        raise ValueError("neither true nor false")
    return value


def _date(text: str) -> dt.date:
    if not _DATE.fullmatch(text.strip()):
        raise ValueError("not a date as YYYY-MM-DD")
    return dt.date.fromisoformat(text.strip())


def _datetime(text: str) -> dt.datetime:
    if not _DATETIME.fullmatch(text.strip()):
        raise ValueError("not a time as YYYY-MM-DDTHH:MM:SS")
    return dt.datetime.fromisoformat(text.strip())


def _json(text: str) -> str:
    json.loads(text)
    return text


_READERS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "json": _json,
    "int": _integer(32),
    "long": _integer(64),
    "double": _double,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _datetime,
    "timestamptz": _datetime,
}
