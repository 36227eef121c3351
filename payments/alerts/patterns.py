"""What a customer's movements of weeks show, that no single payment does. Pure.

Causes are made of the movements alone, so the same movements always give the same ones, however
often they are looked at and in whatever pieces. What goes on for long, several payments or many
others, is told once in each 30 days of the calendar.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from dynamodb.times import utc_day
from payments.alerts.records import Rule
from payments.alerts.services import Finding
from payments.compliance import day_cause
from payments.money import in_currency
from payments.policy import policy

STRUCTURING_DAYS = (1, 3, 7, 30)

EPISODE_DAYS = 30

LOOKBACK = timedelta(days=max(STRUCTURING_DAYS))
"""How far back movements matter for the newest one; dormancy is looked up by itself."""


@dataclass(frozen=True, kw_only=True)
class Movement:
    """One side of a processed payment, as its owner sees it: negative where the owner pays.

    ``is_own`` is between accounts of one customer, ``is_house`` with the house.
    """

    at: datetime
    payment_id: str
    account_id: str
    other_id: str
    currency: str
    amount_minor: int
    is_own: bool = False
    is_house: bool = False
    is_reversal: bool = False

    @property
    def size_minor(self) -> int:
        return abs(self.amount_minor)

    @property
    def is_paying(self) -> bool:
        return self.amount_minor < 0

    @property
    def day(self) -> str:
        return utc_day(self.at)

    @property
    def sum_name(self) -> str:
        """The sum it counts to, as when it was made; empty where it counts to none."""
        if self.is_reversal or not (self.is_paying or self.is_house):
            return ""
        return self.currency if self.is_paying else f"received {self.currency}"


Window = Sequence[Movement]


def find(customer_id: str, movements: Window, since: datetime) -> Iterator[Finding]:
    """What all movements of a customer show that is completed at or after ``since``.

    ``movements`` are in order of time and go back by ``LOOKBACK`` from there.
    """
    counted = [each for each in movements if each.sum_name]
    for name in sorted({each.sum_name for each in counted}):
        chosen = [each for each in counted if each.sum_name == name]
        yield from _day_sums(customer_id, chosen, since)
        yield from _structured(customer_id, chosen, since)


def find_fans(
    customer_id: str, movements: Window, since: datetime, *, is_merchant: bool
) -> Iterator[Finding]:
    """An account that many pay, or that pays many. Being paid by many is a merchant's trade."""
    span = timedelta(days=policy().fan_days)
    strange = [each for each in movements if not (each.is_own or each.is_house)]
    for rule, is_paying in ((Rule.FAN_IN, False), (Rule.FAN_OUT, True)):
        chosen = [each for each in strange if each.is_paying == is_paying]
        if rule == Rule.FAN_IN and is_merchant:
            continue
        for window in _windows(chosen, span, since):
            if _is_fan(window):
                yield _finding(rule, customer_id, window, _episode(window[-1].account_id, window))


def find_woken(
    customer_id: str, movements: Window, since: datetime, before: datetime | None
) -> Iterator[Finding]:
    """An account that moves after a long rest. ``before`` is when it had stirred last before."""
    rest = timedelta(days=policy().dormant_days)
    for each in movements:
        line = in_currency(policy().dormant_amount, each.currency)
        is_long = before is not None and each.at - before >= rest
        if is_long and each.at >= since and each.size_minor >= line:
            cause = f"{each.account_id}:{each.payment_id}"
            yield _finding(Rule.DORMANT_ACTIVE, customer_id, [each], cause)
        before = each.at


def returns(movements: Window, since: datetime) -> Iterator[tuple[Movement, Movement]]:
    """What an account paid, and what came in later and is nearly as much: it may be the same money.

    Neither may be the house's, the customer's own or a reversal.
    """
    span, share = timedelta(days=policy().round_trip_days), policy().round_trip_percent
    strange = [each for each in movements if not (each.is_own or each.is_house or each.is_reversal)]
    for back in strange:
        if back.is_paying or back.at < since:
            continue
        for out in strange:
            line = in_currency(policy().round_trip_amount, out.currency)
            is_before = out.is_paying and back.at - span <= out.at <= back.at
            if is_before and out.size_minor >= line and is_nearly(back, out, share):
                yield out, back


def is_nearly(later: Movement, earlier: Movement, share: int) -> bool:
    """Whether an amount is what an earlier one may have become: a fee less, never more."""
    return (
        later.currency == earlier.currency
        and earlier.size_minor * share <= later.size_minor * 100 <= earlier.size_minor * 100
    )


def round_trip(customer_id: str, way: Window) -> Finding:
    """Money that came back along ``way``."""
    return _finding(Rule.ROUND_TRIP, customer_id, way, way[-1].payment_id)


def _day_sums(customer_id: str, movements: Window, since: datetime) -> Iterator[Finding]:
    """Large payments, each by itself, else the sum of a day that is; as when they were made."""
    for day, group in groupby(movements, key=lambda each: each.day):
        window = list(group)
        line = policy().large_transaction_minor(window[0].currency)
        large = [each for each in window if each.size_minor >= line]
        if window[-1].at < since or sum(each.size_minor for each in window) < line:
            continue
        for each in large:
            yield _finding(Rule.LARGE_TRANSACTION, customer_id, [each], each.payment_id)
        if not large:
            cause = day_cause(customer_id, day, window[0].sum_name)
            yield _finding(Rule.LARGE_TRANSACTION, customer_id, window, cause)


def _structured(customer_id: str, movements: Window, since: datetime) -> Iterator[Finding]:
    """Several payments just under the line, within the shortest time that they fit in."""
    near = [each for each in movements if _is_just_under(each)]
    for window in _windows(near, LOOKBACK, since):
        for days in STRUCTURING_DAYS:
            begin = window[-1].at - timedelta(days=days)
            several = [each for each in window if each.at > begin]
            if len(several) >= policy().structuring_payments:
                name = f"{days}:{window[-1].sum_name}:{customer_id}"
                cause = _episode(name, several)
                yield _finding(Rule.STRUCTURING, customer_id, several, cause)
                break


def _is_just_under(each: Movement) -> bool:
    line = policy().large_transaction_minor(each.currency)
    return line * policy().structuring_percent <= each.size_minor * 100 < line * 100


def _is_fan(window: Window) -> bool:
    """Enough different others, and enough money in the currency of the last movement."""
    same = [each for each in window if each.currency == window[-1].currency]
    line = in_currency(policy().fan_amount, window[-1].currency)
    others = {each.other_id for each in same}
    return len(others) >= policy().fan_accounts and sum(each.size_minor for each in same) >= line


def _windows(movements: Window, span: timedelta, since: datetime) -> Iterator[Window]:
    """What moved within ``span`` up to each movement from ``since`` on, itself the last."""
    window: deque[Movement] = deque()
    for each in movements:
        while window and window[0].at <= each.at - span:
            window.popleft()
        window.append(each)
        if each.at >= since:
            yield list(window)


def _episode(name: str, window: Window) -> str:
    return f"{name}:{window[-1].at.toordinal() // EPISODE_DAYS}"


def _finding(rule: Rule, customer_id: str, window: Window, cause: str) -> Finding:
    summed = window[-1:] if rule == Rule.ROUND_TRIP else window
    return Finding(
        rule=rule,
        cause=cause,
        customer_id=customer_id,
        since=window[0].day,
        until=window[-1].day,
        payments=[each.payment_id for each in window],
        currency=window[-1].currency,
        amount_minor=sum(each.size_minor for each in summed),
    )
