"""A contract as predicates on its staging table: the authority on which of its promises a check holds.

What a rule only reports (kept) or a person may waive is no promise of the table, so a list of values or a format under
such a rule is left to the rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ecommerce_pipeline.quality.contracts.contract import Contract, Field, Stream


def promises(contract: Contract) -> Mapping[str, str]:
    """SQL predicates that hold for every published row, by the name of the check."""
    return dict(found for name in contract.fields for found in _of(contract, name))


def formats(contract: Contract) -> Mapping[str, str]:
    """Columns whose text must have a format, with the format's name."""
    doubted = _doubted(contract)
    return {
        contract.column(name): one.format
        for name, one in contract.fields.items()
        if one.format and contract.column(name) and name not in doubted
    }


def references(contract: Contract) -> Mapping[str, tuple[str, Stream]]:
    """References that the table's check holds as doubts, by the name of the check: the column, and the stream whose key
    it is. One under a rule of consistency is left to the rule.
    """
    ruled = ruled_references(contract)
    return {
        f"{contract.column(name)}_is_in_{target.replace('.', '_')}": (contract.column(name), target)
        for name, target in contract.references.items()
        if name not in ruled and contract.column(name)
    }


def ruled_references(contract: Contract) -> set[str]:
    """The fields that refer to another stream and are held record by record, by a rule of consistency."""
    rules = [rule for rule in contract.rules.values() if rule.dimension == "consistency"]
    return {name for rule in rules for name in rule.fields if name in contract.references}


def _of(contract: Contract, name: str) -> Iterator[tuple[str, str]]:
    field, column = contract.fields[name], contract.column(name)
    if not column:
        return
    if field.required:
        yield f"{column}_is_there", f"{column} is not null"
    if bounds := _bounds(field, column):
        yield f"{column}_is_in_range", _or_null(column, bounds, field)
    if field.one_of and name not in _doubted(contract):
        yield f"{column}_is_known", _or_null(column, f"{column} in ({_texts(field)})", field)


def _doubted(contract: Contract) -> set[str]:
    return {
        name for rule in contract.rules.values() if rule.waivable or rule.consequence == "kept" for name in rule.fields
    }


def _bounds(field: Field, column: str) -> str:
    parts = [
        f"{column} {sign} {limit}"
        for sign, limit in ((">=", field.minimum), ("<=", field.maximum))
        if limit is not None
    ]
    return " and ".join(parts)


def _or_null(column: str, predicate: str, field: Field) -> str:
    return predicate if field.required else f"({column} is null or {predicate})"


def _texts(field: Field) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in field.one_of)
