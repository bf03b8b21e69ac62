"""The main pages by keyboard and for weak eyes: WCAG AA contrast in what we draw, and nothing that needs a mouse."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import tabs

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
BOARDS = ("executive_sales", "finance", "marketing", "growth", "product", "data_quality")
OURS = "[data-test=grid-content]"
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def too_faint(page, context):
    """Texts with too little contrast, by axe's own count."""
    answer = Axe().run(page, context=context, options=CONTRAST).response
    assert answer["passes"], "no text was looked at"
    return [node["html"][:200] + " " + node["failureSummary"] for one in answer["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("board", BOARDS)
def test_every_text_on_a_dashboard_has_enough_contrast(board, sign_in, open_dashboard, assets):
    page = sign_in()
    open_dashboard(page, board.replace("_", "-"), len(assets.charts_of(board)))
    assert too_faint(page, OURS) == []
    for tab in tabs(page)[1:]:
        tab.click()
        assert too_faint(page, OURS) == []


def test_one_signs_in_by_keyboard_alone(browser, served):
    page = browser.new_page()
    page.goto(f"{served.superset_url}/login/")
    page.locator("#username").focus()
    page.keyboard.type(served.superset_user)
    page.keyboard.press("Tab")
    page.keyboard.type(served.superset_password.get_secret_value())
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url, timeout=60_000)
    page.close()


def test_a_dashboard_is_found_and_opened_by_keyboard_alone(sign_in, served):
    page = sign_in("finance")
    page.goto(f"{served.superset_url}/dashboard/list/")
    page.locator("a[href*='/superset/dashboard/finance']").first.wait_for(timeout=60_000)
    assert reached(page, "Finance")
    page.keyboard.press("Enter")
    page.wait_for_url("**/superset/dashboard/finance/**", timeout=60_000)


def test_a_filter_and_a_charts_menu_are_reached_by_keyboard(sign_in, open_dashboard, assets):
    page = sign_in("finance")
    open_dashboard(page, "finance", len(assets.charts_of("finance")))
    seen = [tabbed(page) for _ in range(60)]
    assert any("combobox" in one for one in seen)
    assert any("More Options" in one for one in seen)


def reached(page, text, steps=120):
    """Whether the tab key gets to what says that."""
    return any(tabbed(page).endswith(f" {text}") for _ in range(steps))


def tabbed(page):
    """Presses Tab; says what has the focus now."""
    page.keyboard.press("Tab")
    return page.evaluate(
        "() => { const e = document.activeElement; return [e.getAttribute('role') || e.tagName,"
        " e.getAttribute('aria-label') || e.innerText || ''].join(' ').trim() }"
    )
