"""Every type of MySQL and MariaDB × its extremes; see `type_cases`. The server's own clock is five hours off UTC."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from struct import pack

from type_cases import Case, float32

NINES = "9" * 38
CALENDAR = "infinity or a year outside 1 to 9999"
TEXTS = {
    "''": "",
    "'trailing  '": "trailing  ",
    "'Ünï 😀 𝒳'": "Ünï 😀 𝒳",
    r"'tab\t, line\n'": "tab\t, line\n",
    "null": None,
}
BYTES = {"''": b"", "x'00ff'": b"\x00\xff", "null": None}
POINT = pack("<bIdd", 1, 1, 1.0, -2.5)


def integer(name: str, becomes: str, bits: int) -> tuple[Case, Case]:
    """The signed and the unsigned type of a width."""
    low, high, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 2**bits - 1
    return (
        Case(name, becomes, {str(low): low, str(high): high, "null": None}),
        Case(f"{name} unsigned", "long", {"0": 0, str(most): most, "null": None}),
    )


MARIADB = (
    *integer("tinyint", "int", 8),
    *integer("smallint", "int", 16),
    *integer("mediumint", "int", 24),
    *integer("int", "int", 32),
    integer("bigint", "long", 64)[0],
    Case(
        "bigint unsigned",
        "decimal(20,0)",
        {"0": Decimal(0), "18446744073709551615": Decimal(2**64 - 1), "null": None},
        note="no integer of the lake holds it",
    ),
    Case(
        "tinyint(1)",
        "boolean",
        {"0": False, "1": True, "null": None},
        {"2": "2 is no boolean", "-1": "-1 is no boolean"},
        note="MySQL's boolean; with the setting `tinyint1_is_boolean: false` an `int`",
    ),
    Case("year", "int", {"1901": 1901, "2155": 2155, "0": 0, "null": None}),
    Case(
        "decimal(12,2)",
        "decimal(12,2)",
        {
            "-9999999999.99": Decimal("-9999999999.99"),
            "9999999999.99": Decimal("9999999999.99"),
            "0": Decimal("0.00"),
            "null": None,
        },
    ),
    Case("decimal(38,0)", "decimal(38,0)", {NINES: Decimal(NINES), f"-{NINES}": Decimal(f"-{NINES}")}),
    Case("decimal(38,38)", "decimal(38,38)", {f"0.{NINES}": Decimal(f"0.{NINES}"), "null": None}),
    Case("decimal(10,2) unsigned", "decimal(10,2)", {"99999999.99": Decimal("99999999.99")}),
    Case(
        "decimal(65,30)",
        "string",
        {f"{NINES[:35]}.{NINES[:30]}": f"{NINES[:35]}.{NINES[:30]}", "null": None},
        note="more than 38 digits: text",
    ),
    Case(
        "float",
        "float",
        {"0.1": float32(0.1), "3.4028234e38": float32(3.4028234e38), "-1.17549435e-38": float32(-1.17549435e-38)},
    ),
    Case(
        "double",
        "double",
        {
            "0.1": 0.1,
            "1.7976931348623157e308": 1.7976931348623157e308,
            "2.2250738585072014e-308": 2.2250738585072014e-308,
            "null": None,
        },
    ),
    Case("varchar(40)", "string", TEXTS),
    Case(
        "char(5)",
        "string",
        {"''": "", "'ab  '": "ab", "' 😀'": " 😀", "null": None},
        note="without trailing blanks, as the server gives it",
    ),
    Case("tinytext", "string", TEXTS),
    Case("longtext", "string", TEXTS),
    Case("varchar(20) character set latin1", "string", {"'é'": "é"}, note="any character set becomes UTF-8"),
    Case("enum('x','y z','')", "string", {"'y z'": "y z", "''": "", "null": None}),
    Case("set('a','b','c')", "string", {"'a,c'": "a,c", "''": "", "null": None}, note="its members, with commas"),
    Case(
        "json",
        "string",
        {"""'{"b": 1.50, "a" : null}'""": '{"b": 1.50, "a" : null}', "'null'": "null", "null": None},
        note="MariaDB: the text as it was written; MySQL: the text it gives for it",
    ),
    Case("uuid", "string", {"'5AB2F6E3-9A6A-4A52-8E5C-0D2F7D1C2A3B'": "5ab2f6e3-9a6a-4a52-8e5c-0d2f7d1c2a3b"}),
    Case("inet6", "string", {"'::1'": "::1", "'::ffff:10.0.0.1'": "::ffff:10.0.0.1", "null": None}),
    Case("inet4", "string", {"'10.0.0.1'": "10.0.0.1"}),
    Case(
        "date",
        "date",
        {"'0001-01-01'": date(1, 1, 1), "'9999-12-31'": date(9999, 12, 31), "null": None},
        {"'0000-00-00'": "column v (date)", "'2017-00-00'": "column v (date)", "'0000-01-01'": CALENDAR},
    ),
    Case(
        "datetime(6)",
        "timestamp",
        {
            "'0001-01-01'": datetime.fromisoformat("0001-01-01"),
            "'2017-12-15 13:05:11.123456'": datetime.fromisoformat("2017-12-15T13:05:11.123456"),
            "'9999-12-31 23:59:59.999999'": datetime.fromisoformat("9999-12-31T23:59:59.999999"),
            "null": None,
        },
        {"'0000-00-00'": "column v (datetime(6))"},
    ),
    Case("datetime", "timestamp", {"'2017-12-15 13:05:11'": datetime.fromisoformat("2017-12-15T13:05:11")}),
    Case(
        "timestamp(6) null",
        "timestamp",
        {
            "'1970-01-01 00:00:01'": datetime.fromisoformat("1970-01-01T00:00:01"),
            "'2038-01-19 03:14:07.999999'": datetime.fromisoformat("2038-01-19T03:14:07.999999"),
            "null": None,
        },
        {"'0000-00-00'": "column v (timestamp(6))"},
        note="in UTC, whatever the server's time zone",
    ),
    Case(
        "time(6)",
        "string",
        {
            "'-838:59:59.999999'": "-838:59:59.999999",
            "'23:59:59.5'": "23:59:59.500000",
            "'100:00:00'": "100:00:00.000000",
            "null": None,
        },
        note="text: it may exceed a day",
    ),
    Case("binary(4)", "binary", {"'a'": b"a\0\0\0", "null": None}, note="with the zeros the server fills it with"),
    Case("varbinary(20)", "binary", BYTES),
    Case("longblob", "binary", BYTES),
    Case("bit(1)", "string", {"b'0'": "0", "b'1'": "1", "null": None}, note="its digits"),
    Case("bit(64)", "string", {"b'1'": "0" * 63 + "1", "18446744073709551615": "1" * 64, "null": None}),
    Case(
        "geometry",
        "binary",
        {"point(1, -2.5)": POINT, "null": None},
        note="well-known binary (WKB), without the reference system",
    ),
    Case("point", "binary", {"point(1, -2.5)": POINT}),
    Case("int generated always as (id * 2) stored", "int", {"default": 2}, note="generated columns are read"),
    Case("bigint generated always as (id + 1) virtual", "long", {"default": 2}),
)
