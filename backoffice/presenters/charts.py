"""Bars of a chart, laid out: what a template draws as SVG, and lists as a table beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from payments.alert_queries import Overview
from payments.policy import policy

WIDTH, HEIGHT = 440, 170
_BASE = HEIGHT - 28
"""Where bars stand: below is room for their labels."""
_TOP = 22
_FEW, _LABEL_EVERY = 14, 5
_TOLD_WIDTH = 130
_SHARE = 0.7
"""How much of its place a bar fills."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """``drawn`` and ``told`` are as much of label and value as there is room for."""

    label: str
    drawn: str
    value: int
    shown: str
    told: str
    url: str
    tone: str
    x: float
    y: float
    width: float
    height: float
    middle: float
    told_at: float
    above: float


@dataclass(frozen=True, kw_only=True)
class Chart:
    """``bars`` are in order; they are of what is ``counted``, in each ``unit``."""

    title: str
    unit: str
    counted: str
    bars: list[Bar]
    summary: str
    width: int = WIDTH
    height: int = HEIGHT
    base: int = _BASE
    foot: int = HEIGHT - 8


def alert_charts(counted: Overview) -> list[Chart]:
    """What waits, by state and by age, and what is new."""

    def at_least(value: int) -> str:
        return f"{value}{'+' * (value > 0)}"

    quarters = [round(policy().alert_days * part / 4) for part in range(5)]
    by_state = {str(status): number for status, number in counted.by_state.items()}
    by_age = {
        f"{low}\u2013{high - 1} days": sum(low <= age < high for age in counted.ages_days)
        for low, high in pairwise(quarters)
    }
    overdue, tones = {"overdue": counted.overdue}, {"escalated": "waiting", "overdue": "bad"}
    by_day = dict(sorted(counted.new_by_day.items()))
    draw = partial(chart, counted="Alerts", shown=at_least if counted.is_cut else str)
    return [
        draw("Waiting, by state", "State", by_state | overdue, tones=tones),
        draw("Waiting, by age", "Age", by_age | overdue, tones=tones),
        draw("New, by UTC day", "Day", by_day, tail=2),
    ]


def chart(
    title: str,
    unit: str,
    values: Mapping[str, int],
    *,
    counted: str,
    shown: Callable[[int], str] = str,
    tones: Mapping[str, str] | None = None,
    urls: Mapping[str, str] | None = None,
    tail: int = 0,
) -> Chart:
    """Lay out a bar for each value, the highest in full, and tell it as it is ``shown``.

    Of a label its last ``tail`` letters are drawn, all of them for 0. Where there are many bars
    only the first highest is told, and a label in so many, the last one among them.
    """
    every = 1 if len(values) <= _FEW else _LABEL_EVERY
    place, highest = WIDTH / max(1, len(values)), max(1, *values.values())
    bars: list[Bar] = []
    for number, (label, value) in enumerate(values.items()):
        height = round((_BASE - _TOP) * value / highest, 1)
        words = shown(value)
        is_highest = value == highest and not any(bar.value == highest for bar in bars)
        middle = round(place * (number + 0.5), 1)
        room = 0 if every == 1 else _TOLD_WIDTH / 2
        bars.append(
            Bar(
                label=label,
                drawn=label[-tail:] if (len(values) - 1 - number) % every == 0 else "",
                value=value,
                shown=words,
                told=words if every == 1 or is_highest else "",
                url=(urls or {}).get(label, ""),
                tone=(tones or {}).get(label, "plain"),
                x=round(place * (number + (1 - _SHARE) / 2), 1),
                y=round(_BASE - height, 1),
                width=round(place * _SHARE, 1),
                height=height,
                middle=middle,
                told_at=min(max(middle, room), WIDTH - room),
                above=round(_BASE - height - 6, 1),
            )
        )
    listed = ", ".join(f"{bar.label} {bar.shown}" for bar in bars)
    summary = f"{title}: {listed}."
    return Chart(title=title, unit=unit, counted=counted, bars=bars, summary=summary)
