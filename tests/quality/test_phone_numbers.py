"""The models' E.164 against phonenumbers, Google's library: the same number, or none; never another one."""

from __future__ import annotations

import duckdb
import jinja2
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ecommerce_pipeline.settings import ROOT

MACROS = ROOT / "dbt" / "macros"
HOME = "US"
USUAL = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)


class Dispatch:
    """Finds an engine's own macro as dbt does, DuckDB being the engine."""

    def __init__(self, macros: dict) -> None:
        self.macros = macros

    def dispatch(self, name: str):
        return self.macros.get(f"duckdb__{name}") or self.macros[f"default__{name}"]


@pytest.fixture(scope="module")
def cleaned():
    """The numbers that staging reads, of texts as customers typed them; the macro itself, run by DuckDB."""
    names = ("dialect/text.sql", "quality/person.sql", "quality/promises.sql")
    text = "".join((MACROS / name).read_text() for name in names)
    macros: dict = {}
    # dbt's return() ends a macro with a value; in these macros it stands alone, so its text is the macro's
    template = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(text)
    macros |= vars(
        template.make_module({"adapter": Dispatch(macros), "return": lambda value: value, "exceptions": None})
    )
    sql = "select " + str(macros["cleaned_phone"]("phone")) + " from (select unnest(cast(? as varchar[])) as phone)"
    connection = duckdb.connect(config={"threads": 1})

    def read(typed: list[str | None]) -> list[str | None]:
        return [row[0] for row in connection.execute(sql, [typed]).fetchall()]

    return read


def by_library(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, HOME)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def examples(kinds):
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in kinds:
            if (number := phonenumbers.example_number_for_type(region, kind)) is not None:
                yield number


def test_every_countrys_numbers_are_read_as_the_library_reads_them(cleaned):
    numbers = [number for number in examples(USUAL) for _ in range(2)]
    styles = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL)
    typed = [phonenumbers.format_number(one, styles[at % 2]) for at, one in enumerate(numbers)]
    expected = [phonenumbers.format_number(number, PhoneNumberFormat.E164) for number in numbers]
    assert len(typed) > 900
    assert [
        (text, found) for text, found, true in zip(typed, cleaned(typed), expected, strict=True) if found != true
    ] == []


def test_a_zero_dialled_at_home_never_becomes_part_of_the_number(cleaned):
    typed = [
        f"+{number.country_code}{zero}{phonenumbers.national_significant_number(number)}"
        for number in examples(PhoneNumberType.values())
        for zero in (" (0)", " 0", "-0-")
        if number.country_code != 1
    ]
    assert len(typed) > 900
    said = zip(typed, cleaned(typed), strict=True)
    assert [(text, found) for text, found in said if found not in (None, by_library(text))] == []


@given(
    area=st.integers(200, 999),
    exchange=st.integers(200, 999),
    line=st.integers(0, 9999),
    style=st.sampled_from(
        ["({a}) {e}-{l}", "{a}-{e}-{l}", "{a}.{e}.{l}", "{a} {e} {l}", "{a}{e}{l}", "1-{a}-{e}-{l}", "+1 ({a}) {e}-{l}",
         "+1{a}{e}{l}", " +1 {a} {e} {l} ", "1 ({a}) {e}.{l}"]
    ),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_north_american_number_is_read_however_it_is_written(cleaned, area, exchange, line, style):
    typed = style.format(a=area, e=exchange, l=f"{line:04}")
    assert cleaned([typed]) == [by_library(typed)] == [f"+1{area}{exchange}{line:04}"]


@given(st.lists(st.text("+0123456789 ()-./", max_size=18), min_size=20, max_size=20))
@settings(max_examples=30, deadline=None)
def test_whatever_is_typed_the_number_is_the_librarys_or_none(cleaned, typed):
    said = zip(typed, cleaned(typed), strict=True)
    assert [(text, found) for text, found in said if found not in (None, by_library(text))] == []


def test_what_cannot_be_read_for_sure_is_null(cleaned):
    typed = [None, "", "   ", "none", "+1202", "5550100", "202-555-0112 ext 5", "00442079460958", "+44 (0)20 7946 0958"]
    typed += ["+2101000", "+425 1234567"]  # no country has these codes
    assert cleaned(typed) == [None] * len(typed)
