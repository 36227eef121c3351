"""What every way of moving money shares: finding accounts, taking turns, writing both sides."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from audit import trail
from audit.context import Actor
from audit.models import EntryOutcome, Severity
from audit.trail import Event
from dynamodb.errors import StoreBusyError
from dynamodb.pages import Query, read_page
from dynamodb.retries import BUSY, Patience
from dynamodb.transactions import Transaction
from payments.account_numbers import account_id, is_account_id, is_account_number
from payments.identifiers import payment_timestamp
from payments.models import Account, AccountStatus, Payment, PaymentStatus
from payments.refusals import Refusal
from payments.rules import Posting, TransferRequest

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
    """A commit whose postings do not sum to zero in one currency; it must not leave the process."""


def account_key(account: str) -> Account | None:
    """The key of an account given by id or number; ``None`` where there is no such account.

    It comes from the text itself where it can, from memory, else from one query.
    """
    if is_account_number(account):
        return remember(account_id(account), account)
    number = _numbers.get(account)
    if number is None:
        found = find_by_id(account)
        number = found.account_number if found else None
    return Account(id=account, account_number=number) if number else None


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
def turn(patience: Patience, *accounts: str) -> Iterator[None]:
    """Wait for this process's turn at some accounts, so that its threads queue up, not collide.

    Always taken in one order, so two can never wait for each other. Raises ``StoreBusyError``
    once patience ends.
    """
    with ExitStack() as held:
        for place in sorted({hash(account) % len(_turns) for account in accounts}):
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
    trail.change(
        tx,
        "target",
        target,
        posting.target,
        _movement("account.credited", target, payment, actor),
        Account.status == AccountStatus.ACTIVE,
    )


def debit(
    tx: Transaction, source: Account, posting: Posting, payment: Payment, actor: Actor
) -> None:
    """Add the source's side. The conditions say again, in the store, what the rules decided."""
    may_pay = Account.status == AccountStatus.ACTIVE
    if not source.is_system:
        may_pay &= Account.balance >= payment.amount + source.held
    event = _movement("account.debited", source, payment, actor)
    trail.change(tx, "source", source, posting.source, event, may_pay)


def _movement(action: str, account: Account, payment: Payment, actor: Actor) -> Event:
    """What an account's entry tells of a payment."""
    return Event(
        entity_id=account.id,
        entity_type="account",
        action=action,
        actor=actor,
        reference=payment.id,
    )


def add_payment(
    tx: Transaction,
    request: TransferRequest,
    source: Account | None,
    actor: Actor,
    refusal: Refusal | None = None,
) -> Payment:
    """Add the payment that a request becomes, and the entry that tells so: failed if refused."""
    status = PaymentStatus.FAILED if refusal else PaymentStatus.PROCESSED
    payment = Payment(
        id=request.payment_id,
        timestamp=payment_timestamp(request.payment_id),
        customer_id=source.customer_id if source else None,
        merchant_id=request.merchant_id or None,
        status=status,
        status_key=status.value,
        amount=request.amount_minor,
        currency=request.currency,
        description=request.description or None,
        from_account_id=request.from_account_id,
        to_account_id=request.to_account_id,
        processed_at=None if refusal else tx.at,
        failure_code=refusal.code if refusal else None,
        failure_reason=str(refusal) if refusal else None,
        requested_by=actor.id,
        request_hash=request.hash,
    )
    event = Event(
        entity_id=payment.id,
        entity_type="payment",
        action=f"payment.{status}",
        actor=actor,
        outcome=EntryOutcome.FAILURE if refusal else EntryOutcome.SUCCESS,
    )
    return trail.create(tx, "payment", payment, event)


def assert_balanced(source: Account, target: Account, posting: Posting) -> None:
    """Refuse to send money made or lost; raises ``UnbalancedError``."""
    moved_out = source.balance - posting.source["balance"]
    moved_in = posting.target["balance"] - target.balance
    if moved_out != moved_in or source.currency != target.currency:
        message = f"{moved_out} leaves {source.id}, {moved_in} arrives at {target.id}."
        raise UnbalancedError(message)


@contextmanager
def recorded_refusals(*, subject: str, actor: Actor, at: datetime) -> Iterator[None]:
    """Record the refusal that ends what is done inside, and let it pass on."""
    try:
        yield
    except Refusal as refusal:
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
