"""Bars of a chart, laid out: what a template draws as SVG, and lists as a table beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise

from django.utils.translation import gettext as _

from backoffice.presenters.values import money
from backoffice.wording import said
from payments.alerts.queries import Overview
from payments.history.statements import Line
from payments.policy import policy

WIDTH, HEIGHT = 440, 170
_BASE = HEIGHT - 28
"""Where bars stand: below is room for their labels."""
_TOP = 22
_FEW, _LABEL_EVERY = 14, 5
_TOLD_WIDTH = 130
_SHARE = 0.7
"""How much of its place a bar fills."""
_FEWEST = 2
"""So many movements a curve takes."""


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
        _("{low}–{high} days").format(low=low, high=high - 1): sum(
            low <= age < high for age in counted.ages_days
        )
        for low, high in pairwise(quarters)
    }
    overdue, tones = {"overdue": counted.overdue}, {"escalated": "waiting", "overdue": "bad"}
    by_day = dict(sorted(counted.new_by_day.items()))
    draw = partial(chart, counted=_("Alerts"), shown=at_least if counted.is_cut else str)
    return [
        draw(_("Waiting, by state"), _("State"), by_state | overdue, tones=tones),
        draw(_("Waiting, by age"), _("Age"), by_age | overdue, tones=tones),
        draw(_("New, by UTC day"), _("Day"), by_day, tail=2),
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
        words, name = shown(value), said(label)
        is_highest = value == highest and not any(bar.value == highest for bar in bars)
        middle = round(place * (number + 0.5), 1)
        room = 0 if every == 1 else _TOLD_WIDTH / 2
        bars.append(
            Bar(
                label=name,
                drawn=name[-tail:] if (len(values) - 1 - number) % every == 0 else "",
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


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A balance over time, in steps. ``zero`` is where nothing is left, if that is in sight."""

    path: str
    highest: str
    lowest: str
    first: datetime
    last: datetime
    zero: float | None
    summary: str
    width: int = 2 * WIDTH
    height: int = _BASE + _TOP
    top: int = _TOP
    base: int = _BASE


def curve(lines: Sequence[Line], currency: str) -> Curve | None:
    """The balance before the first line and after each; nothing for fewer than two lines."""
    if len(lines) < _FEWEST:
        return None
    first, last = lines[0].at, lines[-1].at
    seconds = (last - first).total_seconds() or 1
    balances = [lines[0].before_minor, *(line.balance_minor for line in lines)]
    low, high = min(balances), max(balances)

    def y(balance_minor: int) -> float:
        return round(_BASE - (_BASE - _TOP) * (balance_minor - low) / ((high - low) or 1), 1)

    steps = [
        f"H{round(2 * WIDTH * (line.at - first).total_seconds() / seconds, 1)}"
        f"V{y(line.balance_minor)}"
        for line in lines
    ]
    highest, lowest = money(high, currency), money(low, currency)
    end = money(balances[-1], currency)
    return Curve(
        path=f"M0 {y(balances[0])}{''.join(steps)}",
        highest=highest,
        lowest=lowest,
        first=first,
        last=last,
        zero=y(0) if low < 0 < high else None,
        summary=_("Balance: at least %(lowest)s, at most %(highest)s, at the end %(end)s.")
        % {"lowest": lowest, "highest": highest, "end": end},
    )
