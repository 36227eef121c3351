"""Accounts, payments and entries as Django's ORM has them: only here, to be compared with."""

from typing import Any

from django.db import models, transaction  # noqa: TID251 - the ORM's own

STATUS, ACTIVE = 10, "active"


class Account(models.Model):  # noqa: DJ008 - no page shows one by itself
    id = models.CharField(max_length=40, primary_key=True)
    customer_id = models.CharField(max_length=40, db_index=True)
    account_type = models.CharField(max_length=10)
    status = models.CharField(max_length=STATUS, db_index=True)
    currency = models.CharField(max_length=3, default="USD")
    balance = models.BigIntegerField()
    held = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)


class Payment(models.Model):  # noqa: DJ008
    id = models.CharField(max_length=40, primary_key=True)
    source = models.ForeignKey(Account, models.PROTECT, related_name="paid")
    target = models.ForeignKey(Account, models.PROTECT, related_name="received")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=STATUS, db_index=True)
    customer_id = models.CharField(max_length=40, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)


class Entry(models.Model):  # noqa: DJ008
    entity_id = models.CharField(max_length=40, db_index=True)
    action = models.CharField(max_length=40, db_index=True)
    user_id = models.CharField(max_length=40, db_index=True)
    old_values = models.JSONField()
    new_values = models.JSONField()
    timestamp = models.DateTimeField(auto_now_add=True, db_index=True)


class RefusedError(Exception):
    """What a transfer is refused for."""


def transfer(payment_id: str, ends: tuple[str, str], amount: int, user_id: str) -> Payment:
    """Lock both accounts, update them, add the payment and three entries: one transaction."""
    with transaction.atomic():
        locked = Account.objects.select_for_update().order_by("id").in_bulk(ends)
        source, target = (locked[end] for end in ends)
        if source.status != ACTIVE or target.status != ACTIVE:
            raise RefusedError("An account is not active.")
        if source.balance - source.held < amount:
            raise RefusedError("The account has not so much.")
        payment = Payment(
            id=payment_id, source=source, target=target, amount=amount, currency=source.currency,
            status="processed", customer_id=source.customer_id,
        )  # fmt: skip
        payment.save(force_insert=True)
        _note(payment.id, "payment.processed", user_id, {}, {"amount": amount})
        for account, action, moved in (
            (source, "account.debited", -amount), (target, "account.credited", amount),
        ):  # fmt: skip
            old = {"balance": account.balance}
            account.balance += moved
            account.save(update_fields=["balance"])
            _note(account.id, action, user_id, old, {"balance": account.balance})
    return payment


def _note(entity_id: str, action: str, user_id: str, old: Any, new: Any) -> None:
    Entry.objects.create(
        entity_id=entity_id, action=action, user_id=user_id, old_values=old, new_values=new
    )
