"""The dashboards on the stack: chart data cold and warm, ten analysts at once, pages in the browser, sync.

usage: python -m benchmarks.dashboards [home]
`home` names the home of a running stack with Superset and the demo at scale 1 in it; without it one is made in a
temporary folder and deleted in the end, which takes a quarter of an hour. Writes docs/benchmarks/dashboards.md.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.measuring import ROOT, machine, run
from benchmarks.pipeline import CLI, PAGES
from benchmarks.stack import stack
from ecommerce_pipeline.dashboards import files, queries, sync
from ecommerce_pipeline.dashboards.client import Client
from ecommerce_pipeline.dashboards.files import Assets
from ecommerce_pipeline.settings import Settings

ANALYSTS, BOARDS = 10, ("executive_sales", "finance", "marketing")
BROWSER_CALLS_AT_ONCE = 6  # what a browser opens to one host
ASK = "/api/v1/chart/data"
SCREEN, WHOLE = 900, 4000  # heights of the window: a laptop's, and one that holds the longest dashboard
NOTE = """Cold: nothing remembered, every query goes through Trino. Warm: asked again by the same person. The analysts
are ten accounts; each opens three dashboards, one after the other, with six calls at once as a browser does: first with
nothing remembered of any, then once more. A page counts from the address to the last chart drawn: on a laptop's
screen, where charts further down wait until one scrolls to them, and in a window that holds all of it. A tab counts
from the click on it; what it holds is asked for then.

Run it: `.venv/bin/python -m benchmarks.dashboards`."""


@contextmanager
def served(home: str | None) -> Iterator[dict[str, str]]:
    """The environment of a stack with Superset and the demo's data."""
    if home:
        env = {"HOME": home, "ENV_FILE": f"{home}/.env", "PROFILE": "stack"}
        yield {f"SHOPSPHERE_{name}": value for name, value in env.items()}
        return
    with stack() as env:
        run([CLI, "demo", "--scale", "1"], env)
        run([CLI, "dashboards", "up"], env)
        yield env


def bodies(client: Client, assets: Assets, boards: tuple[str, ...] | list[str]) -> list[dict[str, Any]]:
    """What the pages of these dashboards ask, chart by chart."""
    numbers = sync.ids(client, "datasets")
    charts = [chart for board in boards for chart in assets.charts_of(board)]
    return [
        {**queries.context(c.body["params"], numbers[assets.datasets()[c.body["dataset"]].uuid]), "force": False}
        for c in charts
    ]


def timed(work: Callable[[], Any]) -> float:
    """Seconds."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def forget(client: Client) -> None:
    """Nothing is remembered any more."""
    asked = [f"{number}__table" for number in sync.ids(client, "datasets").values()]
    client.post("/api/v1/cachekey/invalidate", {"datasource_uids": asked})


@contextmanager
def analysts(admin: Client, url: str) -> Iterator[list[Client]]:
    """Sessions of accounts that may read everything; removed in the end."""
    roles = {role["name"]: role["id"] for role in admin.listing("security/roles")}
    made, people = [], []
    try:
        for number in range(ANALYSTS):
            name, password = f"bench_{secrets.token_hex(4)}", secrets.token_urlsafe(16)
            named = {"username": name, "first_name": "Bench", "last_name": str(number), "email": f"{name}@example.com"}
            body = {**named, "active": True, "password": password, "roles": [roles["data"]]}
            made.append(admin.post("/api/v1/security/users/", body)["id"])
            people.append(Client(url, name, password))
        yield people
    finally:
        for user in made:
            admin.delete(f"/api/v1/security/users/{user}")


def at_once(admin: Client, people: list[Client], assets: Assets) -> list[float]:
    """Seconds of each call of all the analysts."""
    opened = [bodies(admin, assets, [board]) for board in BOARDS]

    def read(client: Client) -> list[float]:
        taken: list[float] = []
        with ThreadPoolExecutor(BROWSER_CALLS_AT_ONCE) as calls:
            for page in opened:
                taken += calls.map(lambda body: timed(lambda: client.post(ASK, body)), page)
        return taken

    with ThreadPoolExecutor(ANALYSTS) as room:
        return [second for taken in room.map(read, people) for second in taken]


def pages(settings: Settings, assets: Assets) -> Iterator[tuple[str, float, float]]:
    """Each dashboard in the browser, warm: seconds until its first screen is drawn, and until all of it is."""
    with sync_playwright() as playwright:
        flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        page = browser.new_page()
        page.goto(f"{settings.superset_url}/login/")
        page.fill("#username", settings.superset_user)
        page.fill("#password", settings.superset_password.get_secret_value())
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "login" not in url, timeout=60_000)
        for board, file in assets.dashboards().items():
            address = f"{settings.superset_url}/superset/dashboard/{file.body['slug']}/"
            yield board, *(_warm(page, address, height) for height in (SCREEN, WHOLE))
            for name in _tabs(page)[1:]:
                yield f"{board}, on to *{name}*", *(_warm(page, address, height, name) for height in (SCREEN, WHOLE))
        browser.close()


def _tabs(page: Page) -> list[str]:
    return page.locator("[data-test=grid-content]").get_by_role("tab").all_inner_texts()


def _warm(page: Page, address: str, height: int, tab: str = "") -> float:
    """Seconds, the median of three after one that does not count; with `tab` from the click on it."""
    page.set_viewport_size({"width": 1440, "height": height})
    draw(page, address)
    return median(_turned(page, address, tab) if tab else timed(lambda: draw(page, address)) for _ in range(3))


def _turned(page: Page, address: str, tab: str) -> float:
    draw(page, address)
    charts = page.locator(".chart-slice").count()

    def turn() -> None:
        page.get_by_role("tab", name=tab).click()
        _drawn(page, charts)

    return timed(turn)


def draw(page: Page, address: str) -> None:
    """Returns when every chart within the window is there."""
    page.goto(address)
    _drawn(page, 0)


def _drawn(page: Page, beyond: int) -> None:
    """Waits until there are more charts than that and all within the window are drawn."""
    page.wait_for_function(
        """(beyond) => {
          const all = [...document.querySelectorAll('.chart-slice')];
          return all.length > beyond && all
            .filter(one => one.getBoundingClientRect().top < window.innerHeight)
            .every(one => one.querySelector('.slice_container')
              && !one.querySelector('.loading, [data-test=loading-indicator]'));
        }""",
        arg=beyond,
        timeout=90_000,
        polling=50,
    )


def row(what: str, seconds: list[float]) -> str:
    """A row of the table: how many, median, p95, the longest; milliseconds."""
    figures = (median(seconds), quantiles(seconds, n=20)[18], max(seconds))
    return f"| {what} | {len(seconds)} | " + " | ".join(f"{1000 * figure:,.0f}" for figure in figures) + " |"


def main(home: str | None) -> None:
    """Measure and write the page."""
    where = machine()
    with served(home) as env:
        place = Path(env["SHOPSPHERE_HOME"])
        settings = Settings(_env_file=place / ".env", home=place, profile="stack")
        admin, assets = Client.of(settings), files.read(files.folder(settings))
        asked = bodies(admin, assets, list(assets.dashboards()))
        forget(admin)
        cold = [timed(lambda b=body: admin.post(ASK, b)) for body in asked]
        warm = [timed(lambda b=body: admin.post(ASK, b)) for _ in range(3) for body in asked]
        forget(admin)
        with analysts(admin, settings.superset_url) as people:
            first, again = at_once(admin, people, assets), at_once(admin, people, assets)
        rows = [
            "| chart data through the API | calls | median ms | p95 ms | longest ms |\n|---|---|---|---|---|",
            row("every chart, cold, one after the other", cold),
            row("every chart, warm", warm),
            row(f"{ANALYSTS} analysts at once on {len(BOARDS)} dashboards, cold", first),
            row(f"{ANALYSTS} analysts at once, warm", again),
            "\n| a dashboard in the browser, warm | first screen, seconds | all of it, seconds |\n|---|---|---|",
            *(f"| {board} | {first:.1f} | {whole:.1f} |" for board, first, whole in pages(settings, assets)),
            "\n| command | seconds |\n|---|---|",
            f"| `dashboards validate` | {run([CLI, 'dashboards', 'validate'], env).wall:.1f} |",
            f"| `dashboards sync`, nothing to do | {run([CLI, 'dashboards', 'sync'], env).wall:.1f} |",
        ]
    page = PAGES / "dashboards.md"
    page.write_text("\n".join(["# Dashboards on the stack", "", where, "", *rows, "", NOTE]) + "\n")
    print(page.read_text())


if __name__ == "__main__":
    os.chdir(ROOT)
    main(sys.argv[1] if len(sys.argv) > 1 else None)
