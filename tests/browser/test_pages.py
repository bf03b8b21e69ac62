"""Every dashboard in a real browser: it draws, says what the marts say, and keeps to this machine."""

import os
import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from .conftest import drawn, tabs

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
BOARDS = ("executive_sales", "finance", "marketing", "growth", "product", "data_quality")


@pytest.mark.parametrize("board", BOARDS)
def test_every_chart_draws_and_nothing_goes_wrong_behind_it(board, sign_in, open_dashboard, assets):
    page = sign_in()
    charts = len(assets.charts_of(board))
    open_dashboard(page, board.replace("_", "-"), charts)
    keep_picture(page, board)
    for number, tab in enumerate(tabs(page)[1:], 2):
        tab.click()
        keep_picture(page, f"{board}_{number}")
    assert page.locator(".slice_container").count() == charts
    assert page.locator(".ant-alert-error, .ant-empty, [data-test=error-message]").all_inner_texts() == []
    assert page.wrong == []


def test_the_month_so_far_is_what_the_mart_says(sign_in, open_dashboard, assets, marts):
    page = sign_in("executive")
    open_dashboard(page, "executive-sales", len(assets.charts_of("executive_sales")))
    names, values = (page.locator(f".kpi .{part}").all_inner_texts() for part in ("name", "value"))
    shown = dict(zip(names, values, strict=True))
    told = dict(
        marts.execute(
            "select kpi, mtd_value from executive.sales_kpis "
            "where as_of = (select max(as_of) from executive.sales_kpis)"
        ).fetchall()
    )
    assert shown["Revenue"] == f"${told['revenue'].quantize(Decimal(1), ROUND_HALF_UP):,}"
    assert shown["Orders"] == f"{int(told['orders']):,}"
    assert shown["Average order value"] == f"${told['avg_order_value']:.2f}"
    assert shown["Sessions that buy"] == f"{100 * float(told['conversion_rate']):.1f} %"


def test_a_filter_changes_the_figure_to_what_the_mart_says_of_the_choice(sign_in, open_dashboard, assets, marts):
    page = sign_in("product")
    charts = len(assets.charts_of("product"))
    open_dashboard(page, "product", charts)
    (whole,) = marts.execute("select count(distinct product_id) from product.best_sellers").fetchone()
    assert figure(page, "Products sold") == whole
    page.locator("[data-test=form-item-value]", has=page.get_by_role("combobox")).last.click()
    page.keyboard.type("GROCERY")
    page.get_by_title("GROCERY", exact=True).last.click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Apply filters").click()
    page.wait_for_timeout(1000)
    drawn(page, charts)
    (grocery,) = marts.execute(
        "select count(distinct product_id) from product.best_sellers where department = 'GROCERY'"
    ).fetchone()
    assert figure(page, "Products sold") == grocery < whole


def test_a_wrong_password_is_refused_with_a_message(browser, served):
    page = browser.new_page()
    page.goto(f"{served.superset_url}/login/")
    page.fill("#username", "admin")
    page.fill("#password", "not it")
    page.keyboard.press("Enter")
    page.get_by_text("Invalid username or password").first.wait_for(timeout=30_000)
    assert "/login" in page.url
    page.close()


def test_nothing_is_shown_without_signing_in(browser, served):
    page = browser.new_page()
    page.goto(f"{served.superset_url}/superset/dashboard/finance/")
    page.wait_for_url(re.compile("/login"), timeout=30_000)
    page.close()


def figure(page, title):
    """The big number on the card of that title."""
    card = page.locator(".dashboard-component-chart-holder", has=page.get_by_text(title, exact=True)).first
    return int(re.sub(r"[^\d]", "", card.locator(".header-line").inner_text()))


def keep_picture(page, board):
    if folder := os.environ.get("TESTS_SCREENSHOTS"):
        grid = page.locator("[data-test=grid-content]").bounding_box()
        page.set_viewport_size({"width": 1440, "height": int(grid["y"] + grid["height"]) + 24})
        page.wait_for_timeout(1000)
        page.screenshot(path=Path(folder) / f"{board}.png")
