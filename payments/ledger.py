"""What every way of moving money shares: finding accounts, taking turns, writing both sides."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from audit import trail
from audit.context import Actor
from audit.models import EntryOutcome, Severity
from audit.trail import Event
from dynamodb import store
from dynamodb.errors import StoreBusyError
from dynamodb.models import Record
from dynamodb.pages import Query, read_page
from dynamodb.retries import BUSY, Patience, read_within
from dynamodb.times import utc_day
from dynamodb.transactions import Condition, Transaction
from payments.account_numbers import account_id, is_account_id, is_account_number
from payments.identifiers import payment_timestamp
from payments.models import Account, Activity, Payment, PaymentStatus
from payments.policy import policy
from payments.refusals import Refusal
from payments.requests import TransferRequest
from payments.rules import Posting

TRANSFER_SECONDS = 10.0
"""Conflicts and throttles are tried again for at most this long."""

_LONGEST_PAUSE_SECONDS = 0.06
"""A rejected attempt has learned how things stand, so it soon tries again: whoever waits much
longer than one commit takes (25 ms at the median on AWS) finds the account changed once more."""

_KNOWN_NUMBERS = 100_000
_numbers: dict[str, str] = {}
"""Account numbers by id. The pair never changes, so it is remembered, up to a bound."""

_turns = [threading.Lock() for _ in range(1024)]


def patience(limit_seconds: float = TRANSFER_SECONDS) -> Patience:
    """How long and how often a movement of money is tried."""
    return Patience(limit_seconds=limit_seconds, longest_pause_seconds=_LONGEST_PAUSE_SECONDS)


class UnbalancedError(AssertionError):
    """A commit that would make, lose or free money that is not there; it must not be sent."""


def account_key(account: str, patience: Patience | None = None) -> Account | None:
    """The key of an account given by id or number; ``None`` where there is no such account.

    It comes from the text itself where it can, from memory, else from one query, which is tried
    again for as long as there is patience.
    """
    if is_account_number(account):
        return remember(account_id(account), account)
    number = _numbers.get(account)
    if number is None:
        look_up = partial(find_by_id, account)
        found = look_up() if patience is None else read_within(look_up, patience)
        number = found.account_number if found else None
    return Account(id=account, account_number=number) if number else None


def read(
    keys: Mapping[str, Record | None], patience: Patience, *, together: bool = False
) -> dict[str, Any]:
    """Read records by the names of their actions, consistently and in one request.

    A name without a key, or without a record, has ``None``. All stand as at one moment if read
    ``together``. Trouble is tried again for as long as patience lasts, then it is
    ``StoreBusyError``: nothing has happened yet.
    """
    wanted = {name: key for name, key in keys.items() if key is not None}
    get = store.get_together if together else store.get_many
    records = read_within(partial(get, list(wanted.values())), patience)
    found = dict(zip(wanted, records, strict=True))
    return {name: found.get(name) for name in keys}


def payment_key(payment_id: str) -> Payment:
    """The key of a payment, which its id holds."""
    return Payment(id=payment_id, timestamp=payment_timestamp(payment_id))


def find_by_id(account: str) -> Account | None:
    """An account by its id alone, read consistently, in one request."""
    if not is_account_id(account):
        return None
    page = read_page([Query(model=Account, partition=account)], person="", rows=1)
    for found in page.rows:
        remember(found.id, found.account_number)
    return page.rows[0] if page.rows else None


def remember(account: str, number: str) -> Account:
    """Keep the pair of an account's id and number, which never changes; returns it as a key."""
    if len(_numbers) >= _KNOWN_NUMBERS:
        _numbers.clear()
    _numbers[account] = number
    return Account(id=account, account_number=number)


@contextmanager
def turn(patience: Patience, *names: str) -> Iterator[None]:
    """Wait for this process's turn at some records, so that its threads queue up, not collide.

    Always taken in one order, so two can never wait for each other. Raises ``StoreBusyError``
    once patience ends.
    """
    with ExitStack() as held:
        for place in sorted({hash(name) % len(_turns) for name in names}):
            if not _turns[place].acquire(timeout=max(0.0, patience.remaining_seconds)):
                raise StoreBusyError(BUSY)
            held.callback(_turns[place].release)
        yield


def add_posting(
    tx: Transaction,
    source: Account,
    target: Account,
    posting: Posting,
    payment: Payment,
    actor: Actor,
) -> None:
    """Add both sides of a payment, each with its entry, to a transaction."""
    assert_balanced(source, target, posting)
    debit(tx, source, posting, payment, actor)
    _change(tx, "target", target, posting.target, "account.credited", payment, actor)


def debit(
    tx: Transaction, source: Account, posting: Posting, payment: Payment, actor: Actor
) -> None:
    """Add the source's side. The conditions say again, in the store, what the rules decided."""
    held = _held_without(source, payment)
    covered = None if source.is_system else Account.balance >= payment.amount + held
    _change(tx, "source", source, posting.source, "account.debited", payment, actor, covered)


def hold(tx: Transaction, source: Account, payment: Payment, actor: Actor) -> None:
    """Reserve what a pending payment asks for, so that nothing else can spend it."""
    held = source.held + (payment.reserved or 0)
    covered = None if source.is_system else Account.balance >= held
    _change(tx, "source", source, {"held": held}, "account.held", payment, actor, covered)


def release(tx: Transaction, source: Account, payment: Payment, actor: Actor) -> None:
    """Give back what a pending payment had reserved."""
    held = {"held": _held_without(source, payment)}
    _change(tx, "source", source, held, "account.released", payment, actor)


def _held_without(source: Account, payment: Payment) -> int:
    """What an account holds for others; raises ``UnbalancedError`` rather than free too much."""
    held = source.held - (payment.reserved or 0)
    if held < 0:
        raise UnbalancedError(f"{source.id} holds {source.held}, {payment.id} {payment.reserved}.")
    return held


def count_failure(
    tx: Transaction, source: Account, changes: dict[str, Any], payment: Payment, actor: Actor
) -> None:
    """Count a debit that failed for want of money, which may lock the account's debits."""
    action = "account.locked" if "locked_until" in changes else "account.debit_failed"
    _change(tx, "source", source, changes, action, payment, actor)


def _change(
    tx: Transaction,
    name: str,
    account: Account,
    changes: dict[str, Any],
    action: str,
    payment: Payment,
    actor: Actor,
    condition: Condition | None = None,
) -> None:
    event = Event(
        entity_id=account.id,
        entity_type="account",
        action=action,
        actor=actor,
        reference=payment.id,
    )
    unchanged = Account.status == account.status
    condition = unchanged if condition is None else unchanged & condition
    trail.change(tx, name, account, changes, event, condition)


def asked(request: TransferRequest, source: Account | None, actor: Actor) -> Payment:
    """A payment as it was asked for, with nothing said of what becomes of it."""
    return Payment(
        id=request.payment_id,
        timestamp=payment_timestamp(request.payment_id),
        customer_id=source.customer_id if source else None,
        merchant_id=request.merchant_id or None,
        amount=request.amount_minor,
        currency=request.currency,
        description=request.description or None,
        from_account_id=request.from_account_id,
        to_account_id=request.to_account_id,
        reverses=request.reverses or None,
        scheduled_for=request.scheduled_for or None,
        requested_by=actor.id,
        request_hash=request.hash,
    )


def add_processed(tx: Transaction, payment: Payment, actor: Actor, reason: str = "") -> Payment:
    """Add a payment that happens in this commit; its postings are for the caller to add."""
    return move(
        tx,
        payment,
        "payment.processed",
        PaymentStatus.PROCESSED,
        actor,
        reason=reason,
        processed_at=tx.at,
    )


def add_pending(
    tx: Transaction, payment: Payment, source: Account, triggers: list[str], actor: Actor
) -> Payment:
    """Add a payment that waits for a second person, and reserve its money."""
    pending = move(
        tx,
        payment,
        "payment.requested",
        PaymentStatus.PENDING,
        actor,
        reserved=payment.amount,
        triggers=triggers,
        expires_at=tx.at + policy().approval_time,
    )
    hold(tx, source, pending, actor)
    return pending


def move(
    tx: Transaction,
    payment: Payment,
    action: str,
    status: PaymentStatus,
    actor: Actor,
    condition: Condition | None = None,
    reason: str = "",
    **values: Any,
) -> Payment:
    """Give a payment, new or pending, its next state, with the entry that tells of it."""
    values |= {"status": status, "status_key": status.value}
    event = Event(
        entity_id=payment.id,
        entity_type="payment",
        action=action,
        actor=actor,
        reason=reason,
        outcome=EntryOutcome.FAILURE if status == PaymentStatus.FAILED else EntryOutcome.SUCCESS,
    )
    if not payment.version:
        return trail.create(tx, "payment", payment.with_changes(values), event)
    still_pending = Payment.status == PaymentStatus.PENDING
    condition = still_pending if condition is None else still_pending & condition
    return trail.change(tx, "payment", payment, values, event, condition)


def count_reversal(
    tx: Transaction, original: Payment, reversal: Payment, amount_minor: int, actor: Actor
) -> None:
    """Take an amount, negative to give it back, from what is left to reverse of a payment."""
    reversed_minor = (original.reversed_amount or 0) + amount_minor
    if not 0 <= reversed_minor <= original.amount:
        raise UnbalancedError(f"{reversed_minor} of {original.id} would be reversed.")
    changes = {
        "reversed_amount": reversed_minor,
        "reversed_by": reversal.id if reversed_minor else None,
    }
    event = Event(
        entity_id=original.id,
        entity_type="payment",
        action="payment.reversed" if amount_minor > 0 else "payment.reversal_ended",
        actor=actor,
        reference=reversal.id,
    )
    trail.change(tx, "original", original, changes, event)


def maker_key(actor: Actor, currency: str) -> Activity | None:
    """The running total of a person in a currency; programs and the system have none."""
    return None if actor.is_system else Activity(subject=f"maker:{actor.id}:{currency}")


def maker_today(actor: Actor, activity: Activity | None, at: datetime) -> int | None:
    """What a person has moved alone today, in minor units; ``None`` for a program."""
    if actor.is_system:
        return None
    return activity.total_on(at) if activity else 0


def add_activity(
    tx: Transaction, activity: Activity | None, payment: Payment, actor: Actor
) -> None:
    """Add what a person has moved alone to their running total of the day."""
    key = maker_key(actor, payment.currency)
    if key is None:
        return
    if activity is None:
        tx.put_new("maker", key.with_changes({"day": utc_day(tx.at), "total": payment.amount}))
    else:
        total = activity.total_on(tx.at) + payment.amount
        tx.update("maker", activity, {"day": activity.current_day(tx.at), "total": total})


def assert_balanced(source: Account, target: Account, posting: Posting) -> None:
    """Refuse to send money made or lost; raises ``UnbalancedError``."""
    moved_out = source.balance - posting.source["balance"]
    moved_in = posting.target["balance"] - target.balance
    if moved_out != moved_in or source.currency != target.currency:
        message = f"{moved_out} leaves {source.id}, {moved_in} arrives at {target.id}."
        raise UnbalancedError(message)


@contextmanager
def recorded_refusals(
    *, subject: str, actor: Actor, at: datetime, reference: str = ""
) -> Iterator[None]:
    """Record the refusal that ends what is done inside, and let it pass on.

    ``reference`` names the record that it is all about, where there is one.
    """
    try:
        yield
    except Refusal as refusal:
        refusal.reference = refusal.reference or reference
        record_refusal(refusal, subject=subject, actor=actor, at=at)
        raise


def record_refusal(refusal: Refusal, *, subject: str, actor: Actor, at: datetime) -> None:
    """Record an attempt that left no record of its own: by code and field, not what was typed."""
    event = Event(
        entity_id=f"person:{actor.id}",
        entity_type="person",
        action=f"{subject}.refused",
        actor=actor,
        reference=refusal.reference or None,
        outcome=EntryOutcome.FAILURE,
        severity=Severity.WARNING,
    )
    values = {"code": refusal.code, "field": refusal.field, "sentence": str(refusal)}
    trail.note(event, at=at, values={name: text for name, text in values.items() if text})
