"""Every PostgreSQL type × its extremes; see `type_cases`."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from math import inf, nan

from type_cases import Case, float32, utc

CALENDAR = "infinity or a year outside 1 to 9999"
NINES = "9" * 38
TEXTS = {
    "''": "",
    "'trailing  '": "trailing  ",
    "'Ünï 😀 𝒳'": "Ünï 😀 𝒳",
    r"E'tab\t, line\nand \'quote\''": "tab\t, line\nand 'quote'",
    "null": None,
}

POSTGRES = (
    Case("smallint", "int", {"-32768": -(2**15), "32767": 2**15 - 1, "null": None}),
    Case("integer", "int", {"-2147483648": -(2**31), "2147483647": 2**31 - 1, "null": None}),
    Case("bigint", "long", {"-9223372036854775808": -(2**63), "9223372036854775807": 2**63 - 1, "null": None}),
    Case(
        "numeric(12,2)",
        "decimal(12,2)",
        {
            "-9999999999.99": Decimal("-9999999999.99"),
            "9999999999.99": Decimal("9999999999.99"),
            "0": Decimal("0.00"),
            "null": None,
        },
        {"'NaN'": "column v (numeric(12,2))"},
    ),
    Case("numeric(38,0)", "decimal(38,0)", {NINES: Decimal(NINES), f"-{NINES}": Decimal(f"-{NINES}"), "null": None}),
    Case(
        "numeric(38,10)",
        "decimal(38,10)",
        {f"{NINES[:28]}.{NINES[28:]}": Decimal(f"{NINES[:28]}.{NINES[28:]}"), "1e-10": Decimal("0.0000000001")},
    ),
    Case("numeric(38,38)", "decimal(38,38)", {f"0.{NINES}": Decimal(f"0.{NINES}"), "null": None}),
    Case("numeric(3,-2)", "decimal(5,0)", {"12345": Decimal("12300"), "-99900": Decimal("-99900")}),
    Case("numeric(2,5)", "decimal(5,5)", {"0.00012": Decimal("0.00012")}),
    Case(
        "numeric",
        "string",
        {"1.10": "1.10", f"{NINES}{NINES}.5": f"{NINES}{NINES}.5", "'NaN'": "NaN", "'-Infinity'": "-Infinity"},
        note="without precision: text, digit for digit",
    ),
    Case("numeric(50,3)", "string", {f"{NINES}.125": f"{NINES}.125", "null": None}, note="more than 38 digits: text"),
    Case(
        "real",
        "float",
        {
            "0.1": float32(0.1),
            "3.4028235e38": float32(3.4028234663852886e38),
            "1e-45": float32(1e-45),
            "'NaN'": nan,
            "'Infinity'": inf,
            "'-Infinity'": -inf,
            "null": None,
        },
    ),
    Case(
        "double precision",
        "double",
        {
            "0.1": 0.1,
            "1.7976931348623157e308": 1.7976931348623157e308,
            "5e-324": 5e-324,
            "'-0'": -0.0,
            "'NaN'": nan,
            "'Infinity'": inf,
            "'-Infinity'": -inf,
            "null": None,
        },
    ),
    Case("boolean", "boolean", {"true": True, "false": False, "null": None}),
    Case("text", "string", TEXTS),
    Case("varchar(40)", "string", TEXTS),
    Case(
        "char(5)",
        "string",
        {"''": "", "'ab'": "ab", "' a 😀'": " a 😀", "null": None},
        note="without the trailing blanks that SQL ignores in it",
    ),
    Case(
        "mood",
        "string",
        {"'very happy'": "very happy", "''": "", "null": None},
        setup="create type mood as enum ('', 'very happy')",
        note="any enum",
    ),
    Case("uuid", "string", {"'5AB2F6E3-9A6A-4A52-8E5C-0D2F7D1C2A3B'": "5ab2f6e3-9a6a-4a52-8e5c-0d2f7d1c2a3b"}),
    Case(
        "json",
        "string",
        {
            """'{"b": 1.50, "a" : null, "b":2}'""": '{"b": 1.50, "a" : null, "b":2}',
            "'null'": "null",
            """'"😀"'""": '"😀"',
            "null": None,
        },
        note="the text as it was written",
    ),
    Case(
        "jsonb",
        "string",
        {
            """'{"b": 1.50, "a" : null, "b":2}'""": '{"a": null, "b": 2}',
            f"'[{NINES}{NINES}]'": f"[{NINES}{NINES}]",
            "'null'": "null",
            "null": None,
        },
        note="the text PostgreSQL gives for it",
    ),
    Case(
        "integer[]",
        "string",
        {"'{1,NULL,3}'": "[1,null,3]", "'{}'": "[]", "'{{1,2},{3,4}}'": "[[1,2],[3,4]]", "null": None},
        note="arrays are JSON text",
    ),
    Case("numeric[]", "string", {"'{1.10,NaN}'": '[1.10,"NaN"]'}),
    Case("text[]", "string", {"array['a\"b', null, '😀']": '["a\\"b",null,"😀"]'}),
    Case("timestamptz[]", "string", {"'{2017-12-15 13:05:11+05}'": '["2017-12-15T08:05:11+00:00"]'}),
    Case(
        "date",
        "date",
        {
            "'0001-01-01'": date(1, 1, 1),
            "'1969-12-31'": date(1969, 12, 31),
            "'9999-12-31'": date(9999, 12, 31),
            "null": None,
        },
        {
            "'infinity'": CALENDAR,
            "'-infinity'": CALENDAR,
            "'0044-03-15 BC'": CALENDAR,
            "'10000-01-01'": CALENDAR,
        },
    ),
    Case(
        "time",
        "time",
        {"'00:00'": time(), "'23:59:59.999999'": time(23, 59, 59, 999999), "null": None},
        {"'24:00'": "24:00 is no time of day"},
    ),
    Case("time with time zone", "string", {"'13:05:11.5+05:30'": "13:05:11.5+05:30", "null": None}),
    Case(
        "timestamp",
        "timestamp",
        {
            "'0001-01-01'": datetime.fromisoformat("0001-01-01"),
            "'1969-12-31 23:59:59.999999'": datetime.fromisoformat("1969-12-31T23:59:59.999999"),
            "'9999-12-31 23:59:59.999999'": datetime.fromisoformat("9999-12-31T23:59:59.999999"),
            "null": None,
        },
        {"'infinity'": CALENDAR, "'-infinity'": CALENDAR, "'0001-12-31 BC'": CALENDAR, "'294276-12-31'": CALENDAR},
    ),
    Case(
        "timestamptz",
        "timestamptz",
        {
            "'0001-01-01+00'": utc("0001-01-01"),
            "'2017-12-15 13:05:11.123456+05'": utc("2017-12-15T08:05:11.123456"),
            "'9999-12-31 23:59:59.999999+00'": utc("9999-12-31T23:59:59.999999"),
            "null": None,
        },
        {"'infinity'": CALENDAR, "'-infinity'": CALENDAR},
        note="in UTC",
    ),
    Case(
        "interval",
        "string",
        {
            "'1 year 2 months -3 days 04:05:06.789'": "1 year 2 mons -3 days +04:05:06.789",
            "'0'": "00:00:00",
            "'-178000000 years'": "-178000000 years",
            "null": None,
        },
        note="PostgreSQL's own notation, whatever the server's `intervalstyle`",
    ),
    Case("bytea", "binary", {r"'\x'": b"", r"'\x00ff'": b"\x00\xff", "null": None}),
    Case("bit(8)", "string", {"B'00000001'": "00000001", "null": None}, note="its digits"),
    Case("bit varying", "string", {"B'101'": "101", "B''": ""}),
    Case(
        "inet",
        "string",
        {"'192.168.0.1'": "192.168.0.1/32", "'10.0.0.1/8'": "10.0.0.1/8", "'::1'": "::1/128", "null": None},
        note="with its netmask",
    ),
    Case("cidr", "string", {"'10.0.0.0/8'": "10.0.0.0/8"}),
    Case("macaddr", "string", {"'08:00:2B:01:02:03'": "08:00:2b:01:02:03"}),
    Case(
        "point",
        "string",
        {"'(1,-2.5)'": "(1,-2.5)", "null": None},
        note="the server's geometric types are text; PostGIS, where installed, comes as its hexadecimal text",
    ),
    Case("polygon", "string", {"'((0,0),(1,0),(1,1))'": "((0,0),(1,0),(1,1))"}),
    Case("int4range", "string", {"'[1,5)'": "[1,5)", "'empty'": "empty", "'(,)'": "(,)"}, note="any range is text"),
    Case("oid", "long", {"4294967295": 2**32 - 1, "null": None}),
    Case(
        "cents",
        "decimal(10,2)",
        {"1.5": Decimal("1.50"), "null": None},
        setup="create domain cents as numeric(10,2)",
        note="a domain is its base type",
    ),
    Case(
        "place",
        "string",
        {"row('Oslo', 5)": "(Oslo,5)", "null": None},
        setup="create type place as (city text, zip int)",
        note="any composite type is text",
    ),
    Case("integer generated always as (id * 2) stored", "int", {"default": 2}, note="generated columns are read"),
)
