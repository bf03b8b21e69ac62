"""The contract of a source stream: the authority on what its file in dbt/contracts/ may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Class = Literal["public", "internal", "personal", "secret"]
Dimension = Literal["completeness", "accuracy", "consistency", "timeliness", "uniqueness"]
Name = Annotated[str, Meta(pattern="^[a-z_][a-z0-9_]*$")]
Stream = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
Text = Annotated[str, Meta(min_length=1)]
Type = Annotated[str, Meta(pattern=r"^(boolean|integer|bigint|text|json|date|timestamp|decimal\([0-9]+,[0-9]+\))$")]


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field as the source writes it. `read_as` is its column in staging (empty: it is not there), `fixable` lets a
    person say what it truly is; times are UTC.
    """

    type: Type
    meaning: Text
    class_: Class = field(default="internal", name="class")
    required: bool = False
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    one_of: Sequence[Text] = ()
    format: Literal["e164", "email", "iso_4217"] | None = None
    read_as: str | None = None
    fixable: bool = False


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is held against records: `meaning` says the breach in words; a `waivable` rule is a doubt, so that a person
    may let a record in that breaks it.
    """

    fields: Annotated[Sequence[str], Meta(min_length=1)]
    dimension: Dimension
    severity: Literal["error", "warn", "info"]
    consequence: Literal["corrected", "nulled", "imputed", "inferred", "kept", "left_out", "quarantined"]
    meaning: Text
    waivable: bool = False


class Freshness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The latest `by` lies at most that many days behind the company's clock."""

    by: str
    days: Annotated[int, Meta(ge=1)]


class Volume(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day, told by `by`, has at least that many records, and about as many as its weekday usually has."""

    by: str
    at_least: Annotated[int, Meta(ge=0)] = 0


class Contract(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stream; `references` maps a field to the stream whose key it holds, `owner` is the team that can mend what is
    broken where it arises.
    """

    stream: Stream
    meaning: Text
    owner: Text
    key: Annotated[Sequence[str], Meta(min_length=1)]
    fields: Mapping[Name, Field]
    references: Mapping[str, Stream] = {}
    freshness: Freshness | None = None
    volume: Volume | None = None
    rules: Mapping[Name, Rule] = {}

    @property
    def system(self) -> str:
        """The source system."""
        return self.stream.partition(".")[0]

    @property
    def table(self) -> str:
        """Its table or stream."""
        return self.stream.partition(".")[2]

    @property
    def fixable(self) -> Mapping[str, Field]:
        """What a person may correct in a record, by the name staging uses."""
        return {self.column(name): one for name, one in self.fields.items() if one.fixable}

    def column(self, name: str) -> str:
        """The field's column in staging; empty when it is not there."""
        read_as = self.fields[name].read_as
        return name if read_as is None else read_as


class System(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source system and the schema its raw tables land in."""

    schema: Name
    meaning: Text
    class_: Class = field(default="internal", name="class")
