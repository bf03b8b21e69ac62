"""What is made of the contracts: which files, whether they are current, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ecommerce_pipeline.quality.contracts import in_dbt, in_words
from ecommerce_pipeline.quality.contracts.reading import ContractError, folder, read, systems
from ecommerce_pipeline.settings import Settings


def files(settings: Settings) -> Mapping[Path, str]:
    """Every generated file with the text it must have; raises ContractError."""
    contracts, known = read(settings), systems(settings)
    for stream, one in contracts.items():
        if one.system not in known:
            path = folder(settings) / f"{stream}.yml"
            raise ContractError(f"{path}: the system {one.system} is not in systems.yml. Next: add it there")
    dbt = settings.root / "dbt"
    found = {dbt / "macros" / "quality" / "contracts.sql": in_dbt.macro(contracts, known)}
    if contracts:
        found[dbt / "seeds" / "quality_rules.csv"] = in_dbt.seed(contracts)
        found[settings.root / "docs" / "data-contracts.md"] = in_words.page(contracts)
    for system in dict.fromkeys(one.system for one in contracts.values()):
        path = dbt / "models" / "staging" / system / f"_{system}__sources.yml"
        found[path] = in_dbt.sources(system, contracts, known)
    return found


def stale(settings: Settings) -> list[Path]:
    """The files that do not say what the contracts say."""
    return list(_stale(settings))


def write(settings: Settings) -> list[Path]:
    """Write what is stale; returns it."""
    outdated = _stale(settings)
    for path, text in outdated.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(outdated)


def _stale(settings: Settings) -> Mapping[Path, str]:
    return {
        path: text
        for path, text in files(settings).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
