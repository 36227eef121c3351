"""Banks to reconcile: a small one to plant faults in, and many payments loaded by batches."""

from dataclasses import dataclass
from typing import Any

from audit import trail
from audit.models import AuditLog
from audit.replay import read_chain
from audit.trail import Event
from dynamodb import client
from dynamodb.models import Item, Record
from dynamodb.transactions import Committed, Transaction, commit
from payments.identifiers import new_payment_id, payment_timestamp
from payments.models import Account, Payment, PaymentStatus
from payments.reconciliation.run import Run, reconcile
from tests.builders import NOON, TELLER, opened, transferred

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
        puts += [action["Put"] for action in tx.actions().values() if "Put" in action]
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


def found() -> list[tuple[str, str]]:
    """The kinds and ids of all faults."""
    return [(fault["kind"], fault["id"]) for fault in reconcile(Run()).report["faults"]]


@dataclass
class Bank:
    """Two accounts, a processed and a failed payment between them, one pending."""

    source: Account
    target: Account
    paid: Payment
    failed: Payment
    pending: Payment


def a_bank() -> Bank:
    source, target = opened("a", balance=5000), opened("b", balance=700)
    paid = transferred(source, target, idempotency_key="key-1").payment
    failed = transferred(source, target, amount_minor=999_999).payment
    return Bank(source, target, paid, failed, reserved(source, target, 300))


def reserved(source: Account, target: Account, amount_minor: int) -> Payment:
    """A pending payment that reserves its amount, in one commit."""
    payment = a_payment(source, target, PaymentStatus.PENDING, amount_minor)
    payment.reserved = amount_minor
    tx = Transaction(at=NOON)
    made = trail.create(tx, "payment", payment, about(payment, "payment.pending"))
    moved(tx, stored(source), {"held": amount_minor}, payment)
    done(tx)
    return made


def done(tx: Transaction) -> None:
    assert commit(tx.freeze()) == Committed()


def moved_alone(account: Account, payment: Payment, **amounts: int) -> None:
    """Move a balance or a hold in a chain that is whole, with nothing on the other side."""
    tx = Transaction(at=NOON)
    moved(tx, stored(account), amounts, payment)
    done(tx)


def ended(payment: Payment, status: PaymentStatus, *movements: tuple[Account, int, int]) -> None:
    """Let a pending payment end, and move balance and hold of accounts with it."""
    tx = Transaction(at=NOON)
    changes = {"status": status, "status_key": str(status), "reserved": None}
    trail.change(tx, "payment", payment, changes, about(payment, f"payment.{status}"))
    for account, balance, held in movements:
        moved(tx, stored(account), {"balance": balance, "held": held}, payment)
    done(tx)


def stored(account: Account) -> Account:
    return Account.from_item(raw(account))


def raw(record: Record) -> Item:
    answer = client.call("GetItem", TableName=record.table_name(), Key=record.key_item())
    item: Item = answer["Item"]
    return item


def altered(record: Record, **values: Any) -> None:
    """Change the raw item, as somebody with the right to write to the table could."""
    typed = {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in values.items()
    }
    item = {**raw(record), **typed}
    client.call("PutItem", TableName=record.table_name(), Item=item)


def removed(*records: Record) -> None:
    for record in records:
        client.call("DeleteItem", TableName=record.table_name(), Key=record.key_item())


def entries(record: Account | Payment) -> list[AuditLog]:
    return [AuditLog.from_item(item) for item in read_chain(record.id)]
