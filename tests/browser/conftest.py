"""Superset as a person meets it: a real server on a real lake, users of every role, Debian's Chromium.

The server starts on the session's lake, as `make dashboards` would. TESTS_DASHBOARDS_HOME names the home of one that
already runs, for writing tests; TESTS_SCREENSHOTS a folder that keeps what the pages looked like.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from ecommerce_pipeline.dashboards import files
from ecommerce_pipeline.dashboards.client import Client
from ecommerce_pipeline.dashboards.facts import BROWSERS
from ecommerce_pipeline.operations.stack import debian

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PASSWORD = "a-long-password-of-the-tests"
ROLES = ("executive", "finance", "marketing", "growth", "product", "data", "stores_midwest")
HOLDERS = {**{role: (role,) for role in ROLES}, "two_regions": ("stores_midwest", "stores_northeast")}


@pytest.fixture(scope="session")
def served(request):
    """The settings of a running dashboard server."""
    from ecommerce_pipeline.settings import Settings, get_settings

    if running := os.environ.get("TESTS_DASHBOARDS_HOME"):
        return Settings(_env_file=Path(running) / ".env", home=Path(running))
    from ecommerce_pipeline.cli.dashboards import up

    request.getfixturevalue("loaded")
    up()
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture(scope="session")
def admin(served):
    """The pipeline's own session at the API."""
    return Client.of(served)


@pytest.fixture(scope="session")
def assets(served):
    return files.read(files.folder(served))


@pytest.fixture(scope="session")
def users(served, admin):
    """A user a role, and one of two, made once; the names are the roles'."""
    known = {user["username"]: user["id"] for user in admin.listing("security/users")}
    roles = {role["name"]: role["id"] for role in admin.listing("security/roles")}
    for name, held in HOLDERS.items():
        body = {
            "username": f"test_{name}", "first_name": "Test", "last_name": name, "active": True,
            "email": f"{name}@tests.example.com", "password": PASSWORD, "roles": [roles[role] for role in held],
        }  # fmt: skip
        if f"test_{name}" not in known:
            admin.post("/api/v1/security/users/", body)
    return {name: f"test_{name}" for name in HOLDERS}


@pytest.fixture(scope="session")
def as_role(served, users):
    """A signed-in session by role."""
    return lambda role: Client(served.superset_url, users[role], PASSWORD)


@pytest.fixture(scope="session")
def marts(served):
    """A read-only connection on the lake: what the screens are held against."""
    from ecommerce_pipeline.lakehouse import reader

    with reader.connect(served) as connection:
        yield connection


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    found = debian.server(BROWSERS, "chromium")
    assert found, "no browser here and nobody to install one. Next: install Debian's package chromium as root"
    with sync_playwright() as running:
        started = running.chromium.launch(executable_path=found, headless=True, args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="session")
def signed_in():
    """Cookies by role: Superset takes five sign-ins in forty seconds and no more."""
    return {}


@pytest.fixture
def sign_in(browser, served, users, signed_in):
    """Opens a window, signed in as the role; the page remembers in `page.wrong` whatever went wrong behind it."""
    opened = []

    def enter(role="admin"):
        context = browser.new_context(viewport={"width": 1440, "height": 2200}, storage_state=signed_in.get(role))
        opened.append(context)
        page = context.new_page()
        page.wrong = []
        page.on("response", lambda r: page.wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on("request", lambda r: page.wrong.append(f"left for {r.url}") if _leaves(r.url, served) else None)
        page.on("console", lambda m: page.wrong.append(f"console: {m.text}") if m.type == "error" else None)
        if role not in signed_in:
            password = served.superset_password.get_secret_value() if role == "admin" else PASSWORD
            page.goto(f"{served.superset_url}/login/")
            page.fill("#username", users.get(role, role))
            page.fill("#password", password)
            page.keyboard.press("Enter")
            page.wait_for_url(lambda url: "login" not in url, timeout=60_000)
            signed_in[role] = context.storage_state()
        return page

    yield enter
    for context in opened:
        context.close()


def _leaves(url, served):
    return not url.startswith((served.superset_url, "data:", "blob:"))


@pytest.fixture
def open_dashboard(served):
    """Opens a dashboard, and each of its tabs, and waits until every chart has drawn; ends on the first tab."""

    def go(page, slug, charts):
        page.goto(f"{served.superset_url}/superset/dashboard/{slug}/")
        page.locator("[data-test=grid-content] .slice_container").first.wait_for(timeout=90_000)
        for tab in reversed(tabs(page)):
            tab.click()
            drawn(page, 1)
        drawn(page, charts)

    return go


def tabs(page):
    """The tabs of the dashboard that is open, from the left; most have none."""
    return page.locator("[data-test=grid-content]").get_by_role("tab").all()


def drawn(page, charts):
    page.wait_for_function(
        "charts => document.querySelectorAll('.slice_container').length >= charts"
        " && document.querySelectorAll('.loading, [data-test=loading-indicator]').length == 0",
        arg=charts,
        timeout=90_000,
    )
    page.wait_for_timeout(1500)  # what has loaded still moves into place
