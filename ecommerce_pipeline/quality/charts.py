"""Charts as inline SVG: nothing is loaded from anywhere, and text stays text. Colours hold 3:1 against white, and no
chart says a thing by colour alone: lines are named at their ends, bars carry their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

COLOURS = ("#1f4e8c", "#b3460b", "#2b7a3d", "#7b3fa0", "#8a6d00")
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2")
WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM = 760, 240, 48, 190, 28


def lines(title: str, names: Sequence[str], series: Sequence[Sequence[float]], labels: Sequence[str]) -> str:
    """A line for each name over the labels, values in per cent; `series` holds the values of each name."""
    top = max([max(values, default=0.0) for values in series], default=0.0) or 1.0
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM - 10
    step = wide / max(len(labels) - 1, 1)

    def place(number: int, value: float) -> tuple[float, float]:
        return LEFT + number * step, 10 + high * (1 - value / top)

    parts = [_grid(top, high, wide)]
    ends = _spread([place(len(labels) - 1, values[-1])[1] if values else 10 for values in series])
    for number, (name, values) in enumerate(zip(names, series, strict=True)):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(at, value) for at, value in enumerate(values)))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        last = f"{values[-1]:.2f} %" if values else ""
        parts.append(_text(WIDTH - RIGHT + 8, ends[number] + 4, f"{name} {last}", colour))
    if labels:
        parts.append(_text(LEFT, HEIGHT - 8, labels[0], "#444"))
        parts.append(_text(LEFT + wide, HEIGHT - 8, labels[-1], "#444", "end"))
    return _svg(title, HEIGHT, parts)


def bars(title: str, rows: Sequence[tuple[str, int, str]]) -> str:
    """A bar for each (name, value, remark), the number beside it."""
    most = max((value for _, value, _ in rows), default=0) or 1
    parts, line, start = [], 24, 300
    for number, (name, value, remark) in enumerate(rows):
        y = 6 + number * line
        length = (WIDTH - start - 170) * value / most
        parts.append(_text(start - 8, y + 15, name, "#222", "end"))
        parts.append(f'<rect x="{start}" y="{y}" width="{max(length, 1):.1f}" height="17" fill="{COLOURS[0]}"/>')
        parts.append(_text(start + length + 6, y + 14, f"{value:,} {remark}", "#222"))
    return _svg(title, 12 + line * max(len(rows), 1), parts)


def _grid(top: float, high: float, wide: float) -> str:
    found = []
    for share in (0.0, 0.5, 1.0):
        y = 10 + high * (1 - share)
        found.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + wide:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        found.append(_text(LEFT - 6, y + 4, f"{top * share:.1f}", "#444", "end"))
    return "".join(found)


def _spread(heights: Sequence[float]) -> list[float]:
    """The heights, moved apart upwards so that names beside them can be read."""
    found = list(heights)
    order = sorted(range(len(found)), key=lambda number: -found[number])
    for below, above in pairwise(order):
        found[above] = min(found[above], found[below] - 15)
    return found


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    label = escape(title, quote=True)
    return (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'font-family="sans-serif" font-size="12">{"".join(parts)}</svg>'
    )
