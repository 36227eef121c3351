"""A bank of many payments, loaded by batches: the records that transfers leave, chains and all."""

from typing import Any

from audit import trail
from audit.trail import Event
from dynamodb import client
from dynamodb.transactions import Transaction
from payments.identifiers import new_payment_id, payment_timestamp
from payments.models import Account, Payment, PaymentStatus
from tests.builders import NOON, TELLER, opened

ACCOUNTS = 4
BATCH = 25
"""BatchWriteItem takes at most 25 items."""


def loaded_bank(payments: int) -> None:
    """Move a minor unit so often from one account to the next."""
    accounts = [opened(f"load-{number}", balance=100_000) for number in range(ACCOUNTS)]
    puts: list[dict[str, Any]] = []
    for number in range(payments):
        source, target = number % ACCOUNTS, (number + 1) % ACCOUNTS
        tx = Transaction(at=NOON)
        payment = a_payment(accounts[source], accounts[target], PaymentStatus.PROCESSED, 1)
        trail.create(tx, "payment", payment, about(payment, "payment.processed"))
        for place, amount in ((source, -1), (target, 1)):
            accounts[place] = moved(tx, accounts[place], {"balance": amount}, payment)
        puts += [action["Put"] for action in tx._actions.values() if "Put" in action]
    puts += [{"TableName": each.table_name(), "Item": each.serialize()} for each in accounts]
    for start in range(0, len(puts), BATCH):
        _write(puts[start : start + BATCH])


def a_payment(
    source: Account, target: Account, status: PaymentStatus, amount_minor: int
) -> Payment:
    """A payment that is in no store."""
    name = new_payment_id(NOON)
    return Payment(
        id=name,
        timestamp=payment_timestamp(name),
        status=status,
        status_key=str(status),
        amount=amount_minor,
        currency=source.currency,
        from_account_id=source.id,
        to_account_id=target.id,
        processed_at=NOON if status == PaymentStatus.PROCESSED else None,
    )


def about(record: Account | Payment, action: str, reference: str | None = None) -> Event:
    """What an entry tells of a record."""
    return Event(
        entity_id=record.id,
        entity_type=action.partition(".")[0],
        action=action,
        actor=TELLER,
        reference=reference,
    )


def moved(tx: Transaction, account: Account, amounts: dict[str, int], payment: Payment) -> Account:
    """Add what a payment does to the ``balance`` or ``held`` of an account."""
    changes = {what: getattr(account, what) + amount for what, amount in amounts.items()}
    event = about(account, "account.changed", payment.id)
    return trail.change(tx, f"account:{account.id}", account, changes, event)


def _write(puts: list[dict[str, Any]]) -> None:
    wanted: dict[str, Any] = {}
    for put in puts:
        wanted.setdefault(put["TableName"], []).append({"PutRequest": {"Item": put["Item"]}})
    while wanted:
        wanted = client.call("BatchWriteItem", RequestItems=wanted)["UnprocessedItems"]
