"""Charts as SVG, drawn by the server: they need no script, scale, print, and follow the page's colours.

Values are numbers in any unit; whoever calls gives the text that is shown for each. A chart
says nothing that the table beside it does not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH = 640
ROW = 30
LETTER = 14.5
"""Width of a Chinese letter with its share of the gap."""
LABEL_MAX = 17.5
"""Most letters of a label's column."""
VALUE = 130


class Bar(NamedTuple):
    """One bar: its label, value, shown text, and the class that colours it."""

    label: str
    value: int
    shown: str
    kind: str = "main"


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def _rect(x: float, y: float, width: float, height: float, kind: str, round_by: int = 3) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{round_by}" '
        f'class="bar {kind}"/>'
    )


def _svg(title: str, height: float, parts: Sequence[str]) -> Markup:
    inside = "".join(parts)
    return Markup(  # noqa: S704 - every text in it is escaped where it is put in
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}" preserveAspectRatio="xMidYMid meet">{inside}</svg>'
    )


def _wide(letter: str) -> float:
    """How wide a letter is, in those of Chinese."""
    return 1 if ord(letter) > 0x2E80 else 0.55


def _cut(words: str, limit: float = 13) -> str:
    """Words that fit the label's column."""
    room = 0.0
    for index, letter in enumerate(words):
        room += _wide(letter)
        if room > limit:
            return words[:index] + "…"
    return words


def _column(labels: Sequence[str]) -> float:
    """How wide the labels' column must be; the longest ones are cut."""
    longest = max((sum(map(_wide, label)) for label in labels), default=0)
    return min(max(longest + 1.5, 5), LABEL_MAX) * LETTER


def bars(title: str, rows: Sequence[Bar], most: int | None = None) -> Markup:
    """Horizontal bars, one below the other."""
    top = max([most or 0, 1, *(abs(row.value) for row in rows)])
    labels_width = _column([row.label for row in rows])
    room = WIDTH - labels_width - VALUE
    parts = []
    for index, row in enumerate(rows):
        y = index * ROW
        length = max(abs(row.value) * room / top, 1.5 if row.value else 0)
        parts.append(_text(labels_width - 8, y + 19, _cut(row.label, LABEL_MAX - 1.5), "label", "end"))
        parts.append(_rect(labels_width, y + 6, length, 18, row.kind))
        parts.append(_text(labels_width + length + 8, y + 19, row.shown, "value"))
    return _svg(title, max(len(rows), 1) * ROW + 4, parts)


class Step(NamedTuple):
    """One step of a waterfall: from where to where, and its caption."""

    label: str
    start: int
    end: int
    caption: str
    kind: str


def waterfall(title: str, steps: Sequence[Step]) -> Markup:
    """Columns that begin where the one before ended: what becomes of a sum."""
    top = max([1, *(max(step.start, step.end) for step in steps)])
    height, base, head = 300, 250, 30
    width = (WIDTH - 20) / max(len(steps), 1)
    parts = [f'<line x1="10" x2="{WIDTH - 10}" y1="{base}" y2="{base}" class="axis"/>']
    for index, step in enumerate(steps):
        x = 10 + index * width
        high, low = max(step.start, step.end), min(step.start, step.end)
        y1 = base - high * (base - head) / top
        y2 = base - low * (base - head) / top
        tall = max(y2 - y1, 1.5)
        parts.append(_rect(x + width * 0.14, y1, width * 0.72, tall, step.kind))
        parts.append(_text(x + width / 2, y1 - 7, step.caption, "value small", "middle"))
        parts.append(_text(x + width / 2, base + 20, _cut(step.label, 9), "label", "middle"))
        if index + 1 < len(steps):
            y = base - step.end * (base - head) / top
            parts.append(
                f'<line x1="{x + width * 0.86:.1f}" x2="{x + width * 1.14:.1f}" y1="{y:.1f}" y2="{y:.1f}" '
                'class="join"/>'
            )
    return _svg(title, height, parts)


def share(title: str, parts_of: Sequence[Bar], total: int) -> Markup:
    """One bar divided: parts of a whole, side by side."""
    parts = [f'<rect x="0" y="4" width="{WIDTH}" height="26" rx="5" class="bar rest"/>']
    x = 0.0
    for part in parts_of:
        length = min(part.value * WIDTH / max(total, 1), WIDTH - x)
        parts.append(
            f'<rect x="{x:.1f}" y="4" width="{max(length, 0):.1f}" height="26" class="bar {part.kind}"/>'
        )
        x += length
    return _svg(title, 34, parts)


def line(
    title: str, points: Sequence[tuple[str, int]], captions: Sequence[str], top: int | None = None
) -> Markup:
    """A line over equally spaced points, each with its label; the last value is written out."""
    height, base, head, margin = 220, 180, 20, 10
    most = max([top or 0, 1, *(value for _, value in points)])
    step = (WIDTH - 2 * margin) / max(len(points) - 1, 1)
    coordinates = [
        (margin + i * step, base - value * (base - head) / most) for i, (_, value) in enumerate(points)
    ]
    path = " ".join(f"{'M' if i == 0 else 'L'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(coordinates))
    parts = [f'<line x1="{margin}" x2="{WIDTH - margin}" y1="{base}" y2="{base}" class="axis"/>']
    if coordinates:
        area = f"{path} L{coordinates[-1][0]:.1f} {base} L{coordinates[0][0]:.1f} {base} Z"
        parts += [f'<path d="{area}" class="area"/>', f'<path d="{path}" class="stroke"/>']
        every = max(len(points) // 6, 1)
        for index, (label, _) in enumerate(points):
            if index % every == 0:
                anchor = "start" if index == 0 else "middle"
                parts.append(_text(coordinates[index][0], base + 20, label, "label", anchor))
        x, y = coordinates[-1]
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="dot"/>')
        parts.append(_text(x - 4, max(y - 10, 14), captions[-1], "value", "end"))
    return _svg(title, height, parts)
