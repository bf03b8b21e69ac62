"""The data-quality report as one HTML page that stands alone: no script, no style sheet, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape

from ecommerce_pipeline.quality import charts, streams
from ecommerce_pipeline.quality.report import DIMENSIONS, Report

STYLE = """
body { font: 15px/1.45 sans-serif; color: #222; max-width: 80rem; margin: 2rem auto; padding: 0 1rem }
h1 { margin-bottom: 0 } table { border-collapse: collapse } svg { max-width: 100%; height: auto }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: right }
th:first-child, td:first-child { text-align: left }
.figures { display: flex; flex-wrap: wrap; gap: 2rem; margin: 1.5rem 0 }
.figures b { display: block; font-size: 1.6rem }
"""


def render(report: Report) -> str:
    """The page as text; times are UTC."""
    parts = [
        f"<h1>Data quality</h1><p>As of the last publication; made {report.made_at:%Y-%m-%d %H:%M} UTC.</p>",
        _figures(report),
        "<h2>Trend</h2><p>Records that broke a rule, per cent of all that a run brought, by dimension.</p>",
        _trend(report),
        "<h2>Top rules</h2>",
        charts.bars("records by rule", [(f"{r.table} {r.rule}", r.failed, r.severity) for r in report.rules]),
        "<h2>Owners</h2><p>Who can mend it where it arises.</p>",
        _rows(("owner", "broken", "held back"), ((o, f"{f:,}", f"{h:,}") for o, f, h in report.owners)),
        "<h2>Scorecard per table</h2>",
        _scorecard(report),
        "<h2>Freshness</h2><p>Days that a stream's latest record lies behind the company's clock.</p>",
        _freshness(report),
        "<h2>Volumes</h2><p>Records of a day, per cent of what its weekday usually has.</p>",
        *_volumes(report),
        "<h2>Held back</h2>",
        _held(report),
        *_verdicts(report),
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Data quality</title>'
        f"<style>{STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def _figures(report: Report) -> str:
    share = report.failed / report.rows_checked if report.rows_checked else 0.0
    is_open = next((held for held in report.held if held.status == "open"), None)
    shown = (
        (f"{report.rows_checked:,}", "records checked"),
        (f"{share:.2%}", "of them broke a rule"),
        (f"{is_open.records:,}" if is_open else "0", "in quarantine, open"),
        (f"${is_open.value:,.2f}" if is_open else "$0.00", "value of these"),
        (f"{report.rejected:,}", "could not be read"),
    )
    return '<div class="figures">' + "".join(f"<div><b>{n}</b>{escape(w)}</div>" for n, w in shown) + "</div>"


def _trend(report: Report) -> str:
    shares = [
        [100 * run.broken[number] / run.rows_checked if run.rows_checked else 0.0 for run in report.runs]
        for number in range(len(DIMENSIONS))
    ]
    return charts.lines(
        "share of records that broke a rule, by dimension and run",
        DIMENSIONS,
        shares,
        [f"{run.started:%Y-%m-%d %H:%M}" if run.started else "earlier" for run in report.runs],
    )


def _scorecard(report: Report) -> str:
    head = ("table", "owner", "records", *DIMENSIONS, "held back", "score", "last run")
    return _rows(
        head,
        (
            (
                one.table,
                one.owner,
                f"{one.rows_checked:,}",
                *(f"{count:,}" for count in one.broken),
                f"{one.held:,}",
                f"{one.score:.2%}",
                f"{one.last_score:.2%}",
            )
            for one in report.tables
        ),
    )


def _freshness(report: Report) -> str:
    def words(one: streams.Lag) -> str:
        return "as promised" if one.is_fresh else "late"

    return _rows(
        ("stream", "owner", "latest day", "days behind", "allowed", ""),
        (
            (
                one.stream,
                one.owner,
                _or_dash(one.latest_day),
                _or_dash(one.days_behind),
                str(one.allowed_days),
                words(one),
            )
            for one in report.lags
        ),
    )


def _volumes(report: Report) -> Iterable[str]:
    found = streams.by_stream(report.volumes)
    if not found:
        return
    days = sorted({one.day for one in report.volumes})
    shares = [[held.get(day, 100.0) for day in days] for held in map(_by_day, found.values())]
    yield charts.lines(
        "records of a day, per cent of the usual number", list(found), shares, [f"{day}" for day in days]
    )
    off = [one for one in report.volumes if one.is_off]
    if off:
        yield _rows(
            ("stream", "day", "records", "expected", "owner"),
            ((one.stream, f"{one.day}", f"{one.records:,}", _or_dash(one.expected), one.owner) for one in off),
        )
    else:
        yield "<p>No day of the last seven is out of the ordinary.</p>"


def _by_day(days: Sequence[streams.Volume]) -> dict[date, float]:
    return {one.day: one.per_cent for one in days}


def _or_dash(value: object) -> str:
    return "–" if value is None else f"{value}"


def _held(report: Report) -> str:
    return _rows(
        ("status", "records", "value"),
        ((held.status, f"{held.records:,}", f"${held.value:,.2f}") for held in report.held),
    )


def _verdicts(report: Report) -> Iterable[str]:
    if report.verdicts:
        yield "<h2>Samples</h2><p>Records that people judged, and how many were wrong indeed.</p>"
        yield _rows(("rule", "judged", "wrong indeed"), ((r, str(j), str(w)) for r, j, w in report.verdicts))


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line("th", head) + "".join(line("td", row) for row in rows) + "</table>"
