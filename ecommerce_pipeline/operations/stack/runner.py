"""Which way the stack runs: chosen at the first start, kept in `.env`, and never changed under a lake's data.

`auto` asks Docker once. Later starts go where the lake is, whether a daemon answers at that moment or was installed
meanwhile: the other way would be another lake, empty.
"""

from __future__ import annotations

from typing import Literal

from ecommerce_pipeline import env_file
from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.operations.stack import compose_project
from ecommerce_pipeline.settings import Settings, get_settings

Way = Literal["compose", "native"]
SETTING = "SHOPSPHERE_STACK_RUNNER"
OR_NATIVE = ", or set it to native"


def choose(settings: Settings) -> Way:
    """The settings' way, or that of the lake that is there; raises ServiceError if it is not open."""
    way = settings.stack_runner if settings.stack_runner != "auto" else _of_what_is_there(settings)
    if way == "compose" and not compose_project.daemon_answers():
        used = compose_project.is_used(settings)
        what = "this lake is in containers" if used else f"{SETTING} is compose"
        otherwise = ", then the same again; native servers would begin another lake, empty" if used else OR_NATIVE
        raise ServiceError(f"{what}, and no Docker daemon with Compose answers. Next: start Docker{otherwise}")
    return way


def keep(settings: Settings, way: Way) -> None:
    """Write the way into `.env`, once a stack has started on it."""
    if settings.stack_runner == "auto":
        env_file.keep(settings.env_file, {SETTING: way})
        get_settings.cache_clear()


def _of_what_is_there(settings: Settings) -> Way:
    native = [settings.stack_dir / "postgres", settings.stack_dir / "trino" / "trino"]
    there = [folder for folder in native if folder.exists()]
    if there and compose_project.mark(settings).exists():
        raise ServiceError(
            f"there are two lakes: {there[0]} belongs to native servers, {compose_project.mark(settings)} says "
            f"that containers were started later. Next: `shopsphere down`, then put the one you want into "
            f"{settings.env_file}: {SETTING}=native or {SETTING}=compose"
        )
    if there:
        return "native"
    return "compose" if compose_project.is_used(settings) or compose_project.daemon_answers() else "native"
