"""The ledger once more, in plain Python, from the words of its rules and not from its code.

No store, no versions, no audit: what anybody could work out with a pencil. Refusals are their
codes, an empty text is none.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

CLEARING = "clearing"
LOCK = timedelta(minutes=30)
PATIENCE = timedelta(hours=24)
ATTEMPTS = 3


@dataclass
class Total:
    """A sum of the current UTC day, which a clock that steps back does not begin anew."""

    day: str = ""
    minor: int = 0

    def on(self, at: datetime) -> int:
        return self.minor if _day(at) <= self.day else 0

    def add(self, minor: int, at: datetime) -> None:
        self.minor = self.on(at) + minor
        self.day = max(self.day, _day(at))


@dataclass
class Purse:
    """An account."""

    customer: str
    balance: int = 0
    held: int = 0
    is_closed: bool = False
    is_frozen: bool = False
    stopped: frozenset[str] = frozenset()
    frozen_until: datetime | None = None
    locked_until: datetime | None = None
    failures: list[datetime] = field(default_factory=list)
    at_a_time: int | None = None
    in_a_day: int | None = None
    edits: int = 0
    paid: Total = field(default_factory=Total)
    received: Total = field(default_factory=Total)

    @property
    def is_house(self) -> bool:
        return self.customer == CLEARING

    @property
    def status(self) -> str:
        return "closed" if self.is_closed else "frozen" if self.is_frozen else "active"

    def lets(self, side: str, at: datetime) -> bool:
        """Whether money may leave (``debits``) or arrive (``credits``)."""
        return not self.is_closed and (self._is_thawed(at) or side not in self.stopped)

    def is_locked(self, at: datetime) -> bool:
        return self.locked_until is not None and at < self.locked_until

    def thaw(self, at: datetime) -> bool:
        is_over = self.is_frozen and self._is_thawed(at)
        if is_over:
            self.unfreeze()
        return is_over

    def unfreeze(self) -> None:
        self.is_frozen, self.stopped, self.frozen_until = False, frozenset(), None

    def fail(self, at: datetime) -> None:
        self.failures = [one for one in self.failures if at - one < LOCK] + [at]
        if len(self.failures) == ATTEMPTS:
            self.failures, self.locked_until = [], at + LOCK

    def _is_thawed(self, at: datetime) -> bool:
        return self.frozen_until is not None and self.frozen_until <= at


@dataclass(frozen=True)
class Ask:
    """What somebody wants moved."""

    source: str
    target: str
    minor: int
    reverses: str = ""
    day: str = ""


@dataclass
class Slip:
    """A payment."""

    ask: Ask
    maker: str
    status: str = "pending"
    code: str = ""
    reserved: int = 0
    expires_at: datetime | None = None
    checker: str = ""
    given_back: int = 0

    @property
    def left(self) -> int:
        return self.ask.minor - self.given_back if self.status == "processed" else 0

    @property
    def end(self) -> str:
        """What became of it, in a word."""
        return self.code or ("approved" if self.checker else self.status)

    @property
    def awaits_its_day(self) -> bool:
        return self.status == "pending" and not self.reserved


@dataclass
class Model:
    """A bank in one currency. Whoever has a colon in their name is a program."""

    threshold: int
    purses: dict[str, Purse] = field(default_factory=lambda: {CLEARING: Purse(CLEARING)})
    slips: dict[str, Slip] = field(default_factory=dict)
    makers: dict[str, Total] = field(default_factory=dict)

    def open(self, name: str, customer: str) -> None:
        self.purses[name] = Purse(customer)

    def transfer(self, slip_id: str, ask: Ask, maker: str, at: datetime) -> str:
        """Answers the code of what leaves no payment."""
        if known := self.slips.get(slip_id):
            return "" if (known.ask, known.maker) == (ask, maker) else "key_reused"
        if ask.day and ask.day <= _day(at):
            return "invalid_field"
        slip = self.slips[slip_id] = Slip(ask, maker)
        if ask.day:
            self._fail(slip, self._reversal_refused(ask))
        else:
            self._decide(slip, at)
        return ""

    def close(self, name: str, rest_to: str, slip_id: str, maker: str, at: datetime) -> str:
        purse = self.purses[name]
        if rest_to == name:
            return "same_account"
        if purse.is_house or purse.is_closed or purse.held:
            return "wrong_state"
        if purse.balance:
            if not rest_to:
                return "wrong_state"
            ask = Ask(name, rest_to, purse.balance)
            if code := self._refused(ask, at):
                return code
            if self._needs_two(ask, maker, at):
                return "wrong_state"
            self.slips[slip_id] = slip = Slip(ask, maker, status="processed")
            self._post(slip, at)
            self._count(maker, ask.minor, at)
        purse.unfreeze()
        purse.is_closed = True
        return ""

    def approve(self, slip_id: str, checker: str, at: datetime, *, is_stale: bool = False) -> str:
        slip = self.slips[slip_id]
        if slip.status == "processed" and slip.checker == checker:
            return ""
        if code := self._undecidable(slip, checker):
            return code
        if is_stale:
            return "request_changed"
        if slip.awaits_its_day or (slip.expires_at and slip.expires_at <= at):
            return "not_pending"
        if code := self._refused(slip.ask, at, slip.reserved):
            return code
        self._release(slip)
        self._post(slip, at)
        slip.status, slip.checker = "processed", checker
        return ""

    def reject(self, slip_id: str, checker: str) -> str:
        slip = self.slips[slip_id]
        if (slip.code, slip.checker) == ("rejected", checker):
            return ""
        code = self._undecidable(slip, checker)
        if not code:
            self._end(slip, "failed", "rejected", checker)
        return code

    def cancel(self, slip_id: str, who: str) -> str:
        slip = self.slips[slip_id]
        if (slip.code, slip.checker) == ("canceled", who):
            return ""
        if slip.status != "pending":
            return "not_pending"
        self._end(slip, "canceled", "canceled", who)
        return ""

    def expire(self, slip_id: str) -> None:
        self._end(self.slips[slip_id], "failed", "expired")

    def come_due(self, slip_id: str, at: datetime) -> None:
        self._decide(self.slips[slip_id], at)

    def freeze(self, name: str, side: str, until: datetime | None) -> str:
        purse = self.purses[name]
        if purse.is_house or purse.is_closed:
            return "wrong_state"
        both = frozenset({"debits", "credits"})
        purse.is_frozen, purse.frozen_until = True, until
        purse.stopped = both if side == "both" else frozenset({side})
        return ""

    def unfreeze(self, name: str) -> str:
        purse = self.purses[name]
        if not purse.is_frozen:
            return "wrong_state"
        purse.unfreeze()
        return ""

    def unlock(self, name: str, at: datetime) -> str:
        purse = self.purses[name]
        if not purse.is_locked(at):
            return "wrong_state"
        purse.locked_until, purse.failures = None, []
        return ""

    def limit(self, name: str, at_a_time: int | None, in_a_day: int | None, seen: int) -> str:
        purse = self.purses[name]
        if purse.is_house or purse.is_closed:
            return "wrong_state"
        if purse.edits != seen:
            return "stale_edit"
        purse.at_a_time, purse.in_a_day, purse.edits = at_a_time, in_a_day, seen + 1
        return ""

    def _decide(self, slip: Slip, at: datetime) -> None:
        ask, purse = slip.ask, self.purses[slip.ask.source]
        if code := self._reversal_refused(ask) or self._refused(ask, at):
            self._fail(slip, code)
            if code == "insufficient_funds":
                purse.fail(at)
            return
        if self._needs_two(ask, slip.maker, at):
            slip.reserved, slip.expires_at = ask.minor, at + PATIENCE
            purse.held += ask.minor
        else:
            slip.status = "processed"
            self._post(slip, at)
            self._count(slip.maker, ask.minor, at)
        if ask.reverses:
            self.slips[ask.reverses].given_back += ask.minor

    def _reversal_refused(self, ask: Ask) -> str:
        if not ask.reverses:
            return ""
        original = self.slips[ask.reverses]
        if original.status != "processed" or original.ask.reverses:
            return "not_reversible"
        return "already_reversed" if ask.minor > original.left else ""

    def _refused(self, ask: Ask, at: datetime, reserved: int = 0) -> str:
        source, target = self.purses[ask.source], self.purses[ask.target]
        if not source.lets("debits", at):
            return "source_not_active"
        if not target.lets("credits", at):
            return "destination_not_active"
        if source.is_locked(at):
            return "source_locked"
        limits = ((source.at_a_time, 0), (source.in_a_day, source.paid.on(at)))
        if any(limit is not None and paid + ask.minor > limit for limit, paid in limits):
            return "limit_exceeded"
        if not source.is_house and source.balance - source.held + reserved < ask.minor:
            return "insufficient_funds"
        return ""

    def _needs_two(self, ask: Ask, maker: str, at: datetime) -> bool:
        source, target = self.purses[ask.source], self.purses[ask.target]
        totals = [] if ":" in maker else [self.makers.setdefault(maker, Total())]
        totals += [] if source.is_house else [source.paid]
        totals += [] if target.is_house else [target.received]
        return any(total.on(at) + ask.minor > self.threshold for total in totals)

    def _count(self, maker: str, minor: int, at: datetime) -> None:
        if ":" not in maker:
            self.makers[maker].add(minor, at)

    def _post(self, slip: Slip, at: datetime) -> None:
        source, target = self.purses[slip.ask.source], self.purses[slip.ask.target]
        source.balance -= slip.ask.minor
        target.balance += slip.ask.minor
        source.failures = []
        for purse, paid, received in (
            (source, slip.ask.minor, 0),
            (target, 0, slip.ask.minor),
        ):
            purse.thaw(at)
            if not purse.is_house:
                purse.paid.add(paid, at)
                purse.received.add(received, at)

    def _undecidable(self, slip: Slip, checker: str) -> str:
        if slip.status != "pending":
            return "not_pending"
        return "same_person" if slip.maker == checker else ""

    def _fail(self, slip: Slip, code: str) -> None:
        if code:
            slip.status, slip.code = "failed", code

    def _end(self, slip: Slip, status: str, code: str, who: str = "") -> None:
        if slip.ask.reverses and slip.reserved:
            self.slips[slip.ask.reverses].given_back -= slip.ask.minor
        self._release(slip)
        slip.status, slip.code, slip.checker = status, code, who

    def _release(self, slip: Slip) -> None:
        self.purses[slip.ask.source].held -= slip.reserved
        slip.reserved = 0


def _day(at: datetime) -> str:
    return at.date().isoformat()
