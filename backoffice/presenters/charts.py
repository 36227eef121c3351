"""Bars of a chart, laid out: what a template draws as SVG, and lists as a table beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from payments.alert_queries import Overview
from payments.policy import policy

WIDTH, HEIGHT = 440, 170
_BASE = HEIGHT - 28
"""Where bars stand: below is room for their labels."""
_TOP = 22
_SHARE = 0.7
"""How much of its place a bar fills."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """``drawn`` is as much of the label as there is room for."""

    label: str
    drawn: str
    value: int
    shown: str
    tone: str
    x: float
    y: float
    width: float
    height: float
    middle: float
    above: float


@dataclass(frozen=True, kw_only=True)
class Chart:
    """``name`` tells charts of a page apart; ``bars`` are in order."""

    name: str
    title: str
    unit: str
    bars: list[Bar]
    summary: str
    width: int = WIDTH
    height: int = HEIGHT
    base: int = _BASE
    foot: int = HEIGHT - 8


def alert_charts(counted: Overview) -> list[Chart]:
    """What waits, by state and by age, and what is new."""
    quarters = [round(policy().alert_days * part / 4) for part in range(5)]
    by_state = {str(status): number for status, number in counted.by_state.items()}
    by_age = {
        f"{low}\u2013{high - 1} days": sum(low <= age < high for age in counted.ages_days)
        for low, high in pairwise(quarters)
    }
    overdue, tones = {"overdue": counted.overdue}, {"escalated": "waiting", "overdue": "bad"}
    by_day = dict(sorted(counted.new_by_day.items()))
    draw = partial(chart, is_cut=counted.is_cut)
    return [
        draw("state", "Waiting, by state", "State", by_state | overdue, tones=tones),
        draw("age", "Waiting, by age", "Age", by_age | overdue, tones=tones),
        draw("new", "New, by UTC day", "Day", by_day, tail=2),
    ]


def chart(
    name: str,
    title: str,
    unit: str,
    values: Mapping[str, int],
    *,
    tones: Mapping[str, str] | None = None,
    tail: int = 0,
    is_cut: bool = False,
) -> Chart:
    """Lay out a bar for each value, the highest in full; ``is_cut`` marks values as the least.

    Of a label its last ``tail`` letters are drawn, all of them for 0.
    """
    place, highest = WIDTH / max(1, len(values)), max(1, *values.values())
    bars = []
    for number, (label, value) in enumerate(values.items()):
        height = round((_BASE - _TOP) * value / highest, 1)
        bars.append(
            Bar(
                label=label,
                drawn=label[-tail:],
                value=value,
                shown=f"{value}{'+' * (is_cut and value > 0)}",
                tone=(tones or {}).get(label, "plain"),
                x=round(place * (number + (1 - _SHARE) / 2), 1),
                y=round(_BASE - height, 1),
                width=round(place * _SHARE, 1),
                height=height,
                middle=round(place * (number + 0.5), 1),
                above=round(_BASE - height - 6, 1),
            )
        )
    listed = ", ".join(f"{bar.label} {bar.shown}" for bar in bars)
    return Chart(name=name, title=title, unit=unit, bars=bars, summary=f"{title}: {listed}.")
