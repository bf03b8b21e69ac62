"""A lake of each profile with a company of its own: driven by the command line, as a user drives it, and read by
PyIceberg on both sides, so that one reader's habits cannot hide a difference.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from ecommerce_pipeline.lakehouse import database, pointers
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.settings import Profile, Settings
from tests.conftest import DAY, SCALE
from tests.stack.conftest import PORTS, free_ports

SHOPSPHERE = Path(sys.executable).with_name("shopsphere")
LONGEST_COMMAND = 1500.0  # seconds: the first on the stack may have to wait for a slow machine


class FromFile(Settings):
    """Settings of one lake's own file: what the environment says of another does not count."""

    @classmethod
    def settings_customise_sources(cls, settings_cls, init_settings, dotenv_settings, **others):
        """Arguments, then the file."""
        return init_settings, dotenv_settings


@dataclass(frozen=True)
class Lake:
    """A profile's lake in a folder of its own."""

    profile: Profile
    home: Path

    @property
    def settings(self) -> Settings:
        """The settings as the commands have them."""
        return FromFile(_env_file=self.home / ".env", home=self.home, profile=self.profile)

    def run(self, *arguments: str) -> str:
        """What `shopsphere …` prints; AssertionError with its words if it fails."""
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=LONGEST_COMMAND)
        assert process.returncode == 0, f"{self.profile}: {arguments}\n{said[-5000:]}"
        return said

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`shopsphere …` on its way."""
        own = {"HOME": str(self.home), "ENV_FILE": str(self.home / ".env"), "PROFILE": self.profile}
        env = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSPHERE_")}
        env |= {f"SHOPSPHERE_{name}": value for name, value in own.items()}
        out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen([SHOPSPHERE, *arguments], env=env, **out)

    def tables(self) -> Mapping[str, pa.Table]:
        """Every table of production with its rows, by address; what belongs to runs and not to the data is left out."""
        settings = self.settings
        catalog = open_catalog(settings)
        with database.snapshot(settings) as connection:
            found = pointers.read_all(connection, "lake")
        wanted = [str(name) for name, one in found.items() if one.kind != "VIEW" and name.namespace != "ops"]
        return {address: catalog.load_table(address).scan().to_arrow() for address in sorted(wanted)}


@dataclass(frozen=True)
class Moment:
    """Two lakes of the same company at the end of a day, each with every table of its own."""

    day: date
    embedded: Mapping[str, pa.Table] = field(repr=False)
    stack: Mapping[str, pa.Table] = field(repr=False)


@contextmanager
def lake(profile: Profile, home: Path) -> Iterator[Lake]:
    """A lake to be filled; what runs for it is stopped in the end."""
    made = Lake(profile, home)
    home.chmod(0o755)  # PostgreSQL and MariaDB run as other users, who must be let through
    if profile == "stack":
        ports = zip(PORTS, free_ports(len(PORTS)), strict=True)
        lines = ["SHOPSPHERE_STACK_RUNNER=native", *(f"SHOPSPHERE_{name}_PORT={port}" for name, port in ports)]
        (home / ".env").write_text("\n".join(lines) + "\n")
    try:
        yield made
    finally:
        made.run("down")
        database.forget(made.settings)


def demo(one: Lake) -> None:
    """Load the company up to the tests' day, at their scale."""
    one.run("demo", "--scale", str(SCALE), "--until", DAY.isoformat())


def difference(left: pa.Table, right: pa.Table, columns: list[str]) -> list[tuple]:
    """The first rows that one side has and the other has not, each counted as often as it stands there."""
    kept = ", ".join(f'"{name}"' for name in columns)
    session = duckdb.connect(":memory:")
    session.register("left_side", left)
    session.register("right_side", right)
    one, other = (f"(from (select {kept} from {side}))" for side in ("left_side", "right_side"))
    return session.execute(
        f"(select 'only embedded', * from ({one} except all {other}) order by all limit 3) union all "
        f"(select 'only stack', * from ({other} except all {one}) order by all limit 3)"
    ).fetchall()
