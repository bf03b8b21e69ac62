"""The data-quality report says what the quality tables hold, in one page that needs nothing else."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ecommerce_pipeline.quality import page, report, streams
from ecommerce_pipeline.quality.errors import QualityError
from ecommerce_pipeline.settings import Settings
from tests.quality.conftest import reading


@pytest.fixture(scope="module")
def now(student, marks):
    """The lake as it stands, which may be later than the exam's."""
    yield from reading(student)


@pytest.fixture(scope="module")
def figures(student, now) -> report.Report:
    return report.read(student.settings, [("line_not_negative", 4, 3)])


@pytest.fixture(scope="module")
def html(figures) -> str:
    return page.render(figures)


def test_the_figures_are_those_of_the_tables(figures, now):
    [(failed, held)] = now.execute("select sum(failed), sum(held) from quality.scorecard").fetchall()
    assert figures.failed == failed == now.execute("select sum(failed) from quality.results").fetchone()[0]
    assert sum(table.held for table in figures.tables) == sum(held for _, _, held in figures.owners) == held
    is_open = next(one for one in figures.held if one.status == "open")
    expected = "select count(*), sum(amount) from quality.quarantine where status = 'open'"
    assert now.execute(expected).fetchone() == (is_open.records, is_open.value)


def test_every_run_has_its_place_in_the_trend_and_every_checked_table_its_score(figures, now):
    runs = now.execute("select count(distinct run_id) from quality.results").fetchone()[0]
    assert len(figures.runs) == runs >= 2
    assert all(run.started for run in figures.runs)
    assert sorted(figures.runs) == list(figures.runs)
    tables = now.execute("select count(distinct source_system || source_table) from quality.results").fetchone()[0]
    assert len(figures.tables) == tables
    assert all(0 <= table.score <= 1 and table.owner for table in figures.tables)


def test_the_worst_rule_stands_first_with_its_owner(figures, now):
    worst = "select rule, sum(failed) from quality.results group by source_table, rule order by 2 desc limit 1"
    assert now.execute(worst).fetchone() == (figures.rules[0].rule, figures.rules[0].failed)
    assert figures.rules[0].owner


def test_the_page_needs_no_network_and_no_script(html):
    assert not re.search(r"(src|href)\s*=|url\(|@import|<script|<link|https?://", html)
    assert html.count("<svg") == 3


def test_the_charts_are_well_formed_and_say_in_words_what_they_show(html):
    for drawing in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        root = ET.fromstring(drawing)
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"]
        assert len(list(root.iter("text"))) > 5


def test_the_page_shows_every_table_and_what_people_judged(html, figures):
    for table in figures.tables:
        assert f"<td>{table.table}</td>" in html
    assert "<td>line_not_negative</td><td>4</td><td>3</td>" in html


def test_the_page_shows_how_fresh_every_stream_is_and_each_day_out_of_the_ordinary(html, figures, now):
    assert [one.stream for one in figures.lags if not one.is_fresh] == [
        row[0]
        for row in now.execute(
            "select source_system || '.' || source_table from quality.freshness where not is_fresh order by "
            "days_behind desc, 1"
        ).fetchall()
    ]
    assert all(f"<td>{one.stream}</td><td>{one.owner}</td><td>{one.latest_day}</td>" in html for one in figures.lags)
    off = now.execute("select count(*) from quality.daily_volumes where is_recent and (is_too_few or is_unusual)")
    assert sum(one.is_off for one in figures.volumes) == off.fetchone()[0]
    assert {one.stream for one in figures.volumes} <= set(re.findall(r">([a-z_.]+) [0-9.]+ %<", html))


def test_a_late_stream_and_a_day_out_of_the_ordinary_are_said_in_words():
    day = date(2017, 12, 15)
    late = streams.Lag("shop.orders", "orders-team", day, 3, 1, False)
    half = streams.Volume("shop.orders", "orders-team", day, 50, Decimal(100), True)
    said = page.render(report.Report(datetime.now(UTC), [], [], [], [], [], 0, [], [late], [half]))
    assert "<td>shop.orders</td><td>orders-team</td><td>2017-12-15</td><td>3</td><td>1</td><td>late</td>" in said
    assert "<td>shop.orders</td><td>2017-12-15</td><td>50</td><td>100</td><td>orders-team</td>" in said
    assert "shop.orders 50.00 %" in said


def test_without_a_run_the_report_says_what_to_do(tmp_path):
    with pytest.raises(QualityError, match=r"no run has been published\. Next: .shopsphere materialize"):
        report.read(Settings(home=tmp_path, _env_file=None))
