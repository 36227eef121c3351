"""What payments do to accounts, and what accounts' entries say they did: both sides, compared."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from audit.chain import POSTINGS
from audit.replay import Fault, Values, values_of
from payments.models import PaymentStatus


class Effect(NamedTuple):
    """A payment's effect on the ``balance`` or ``held`` of one account, in minor units.

    ``entry`` is the timestamp of a posting that only its payment leads to, which must name it.
    """

    payment_id: str
    account_id: str
    what: str
    currency: str
    amount_minor: int
    entry: str = ""

    @property
    def claim(self) -> tuple[tuple[Any, ...], int]:
        """What is counted and how often: movements of a balance, the net amount of holds."""
        if self.what == "balance":
            return self, 1
        return self[:4], self.amount_minor

    def __str__(self) -> str:
        words = f"{self.what} {self.amount_minor:+d} {self.currency} on {self.account_id}"
        return f"{words}, entry {self.entry}" if self.entry else words


def effects_of(payment: Values) -> list[Effect]:
    """What a payment as it stands must have done: moved its amount, or reserved it.

    One that is scheduled and still awaits its day has reserved nothing. A failed or canceled one
    has done nothing, and a hold that it once had is released.
    """
    name, currency = str(payment["id"]), str(payment.get("currency"))
    source, target = str(payment.get("from_account_id")), str(payment.get("to_account_id"))
    amount = whole(payment, "amount")
    if payment.get("status") == PaymentStatus.PENDING:
        if payment.get("scheduled_for") and not payment.get("reserved"):
            return []
        return [Effect(name, source, "held", currency, amount)]
    if payment.get("status") == PaymentStatus.PROCESSED:
        named = payment.get("posted_as")
        debited, credited = (*(named if isinstance(named, list) else ()), "", "")[:2]
        return [
            Effect(name, source, "balance", currency, -amount, str(debited)),
            Effect(name, target, "balance", currency, amount, str(credited)),
        ]
    return []


def effects_in(entry: Values, currency: Any) -> list[Effect]:
    """What an entry of an account, which has a currency, says that a payment did, if anything.

    The payment's id is empty where the entry names none.
    """
    old, new = values_of(entry, "old_values"), values_of(entry, "new_values")
    moved = {what: whole(new, what) - whole(old, what) for what in ("balance", "held")}
    reference = str(entry.get("reference") or "")
    is_unkeyed = entry.get("action") in POSTINGS and "user_key" not in entry
    named = {"balance": str(entry.get("timestamp"))} if is_unkeyed else {}
    return [
        Effect(reference, str(entry["entity_id"]), what, str(currency), amount, named.get(what, ""))
        for what, amount in moved.items()
        if amount
    ]


def whole(values: Values, name: str) -> int:
    """A whole number; 0 where there is none, which the comparison with the entries will tell."""
    value = values.get(name)
    return value if type(value) is int else 0


def faults_between(payment: Values, told: Sequence[Effect]) -> Iterator[Fault]:
    """Name what differs between what a payment must have done and what entries tell of it."""
    expected = effects_of(payment)
    yield from _wrong_movements(payment, _of(expected, "balance"), _of(told, "balance"))
    rest = Counter[tuple[str, str]]()
    for effects, sign in ((told, 1), (expected, -1)):
        for effect in _of(effects, "held"):
            rest[effect.account_id, effect.currency] += sign * effect.amount_minor
    for (account, currency), amount in rest.items():
        kind, verb = ("stuck_hold", "holds") if amount > 0 else ("hold_missing", "does not hold")
        if amount:
            why = f"payment {payment['id']}, which is {payment.get('status')}"
            detail = f"It {verb} {abs(amount)} {currency} for {why}."
            yield Fault(kind=kind, id=account, detail=detail)


def _wrong_movements(
    payment: Values, expected: Iterable[Effect], told: Iterable[Effect]
) -> Iterator[Fault]:
    name = str(payment["id"])
    lacking, extra = Counter(expected), Counter(told)
    lacking, extra = lacking - extra, extra - lacking
    for effect in sorted(lacking.elements()):
        other = next((each for each in extra if each.account_id == effect.account_id), None)
        if other is None:
            detail = f"No entry tells of its {effect}."
            yield Fault(kind="payment_without_entry", id=name, detail=detail)
            continue
        extra -= Counter([other])
        detail = f"Its {effect} is told as {other}."
        yield Fault(kind=_how_wrong(effect, other), id=name, detail=detail)
    for effect in sorted(extra.elements()):
        detail = f"It is {payment.get('status')}, and an entry tells of its {effect}."
        yield Fault(kind=_why_extra(payment, effect), id=name, detail=detail)


def _how_wrong(expected: Effect, told: Effect) -> str:
    if expected.currency != told.currency:
        return "wrong_currency"
    if expected.amount_minor == told.amount_minor:
        return "posting_not_named"
    return "wrong_side" if expected.amount_minor == -told.amount_minor else "wrong_amount"


def _why_extra(payment: Values, effect: Effect) -> str:
    if payment.get("status") != PaymentStatus.PROCESSED:
        return "moved_unprocessed"
    sides = (payment.get("from_account_id"), payment.get("to_account_id"))
    return "told_twice" if effect.account_id in sides else "wrong_account"


def _of(effects: Iterable[Effect], what: str) -> list[Effect]:
    return [effect for effect in effects if effect.what == what]
