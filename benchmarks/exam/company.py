"""The company under exam: founded and living with faults in a folder of its own, loaded by the pipeline's own runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from ecommerce_pipeline.operations import services as owner
from ecommerce_pipeline.settings import Settings
from shopsphere import company, ledger, services
from shopsphere.databases import embedded
from shopsphere.draws import Draws
from shopsphere.faults import Faults
from shopsphere.ledger import Entry
from shopsphere.purchases import Copy, copies
from shopsphere.state import Places, Window, read_clock, write_clock
from shopsphere.step import Step

# what the exam asks of a run: everything up to the quality tables and the day's reconciliation
TABLES = "group:raw, quality.rejects, group:staging, group:intermediate, group:core, group:seeds, group:quality"


class RunFailedError(Exception):
    """A run of the pipeline failed; the message holds its own words."""


@dataclass(frozen=True)
class Examinee:
    """A company whose systems run, and the lake that is filled from it."""

    settings: Settings
    scale: float

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def copies(self) -> list[Copy]:
        clock = read_clock(self.home)
        assert clock is not None
        return copies(clock.seed, self.scale)

    @property
    def entries(self) -> list[Entry]:
        """What was broken, in the order it was."""
        return ledger.read(Places(self.home).ledger)

    def live(self, until: date, faults: float) -> None:
        """Found the company, or let days pass, up to the end of `until` with that share of records broken."""
        if read_clock(self.home) is None:
            company.seed(self.home, self.scale, until, faults=faults)
        else:
            company.simulate(self.home, until=until, faults=faults)

    def live_hours(self, before: datetime, faults: float, *, since: datetime) -> None:
        """Let the hours from `since` to `before` (UTC, full ones) pass; the clock moves on once their day is over."""
        clock, window = read_clock(self.home), Window(since, before)
        assert clock is not None
        day = (before - timedelta(microseconds=1)).date()
        under_way = replace(clock, until=day, faults=faults)
        breaks = Faults(faults, Draws(clock.seed), window)
        Step(self.home, embedded(self.home), under_way, window, False, breaks).write()
        if before.hour == 0:
            write_clock(self.home, under_way.arrived())

    def load(self, tables: str = TABLES) -> None:
        """One run of the pipeline over `tables`; raises RunFailedError."""
        from ecommerce_pipeline.definitions import lakehouse
        from ecommerce_pipeline.operations import execution
        from ecommerce_pipeline.operations.selection import resolve

        graph = lakehouse(self.settings)
        outcome = execution.run(self.settings, graph, resolve(graph, tables))
        if not outcome.succeeded:
            raise RunFailedError("\n".join(outcome.failures))


@contextmanager
def examinee(home: Path, scale: float) -> Iterator[Examinee]:
    """A company in `home` with its servers running; they are stopped in the end."""
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    try:
        owner.start(settings, services.programs(home))
        told = company.connection_settings(home)
        values = {name.removeprefix("SHOPSPHERE_").lower(): value for name, value in told.items()}
        yield Examinee(Settings(home=home, _env_file=None, **values), scale)  # type: ignore[arg-type]
    finally:
        owner.stop(settings)
