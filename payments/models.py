"""Accounts and payments: attributes, keys, indexes and what each can say of itself."""

from datetime import datetime
from enum import StrEnum

from audit.models import Chained
from dynamodb.attributes import (
    EnumAttribute,
    TextAttribute,
    TextListAttribute,
    TimeAttribute,
    ValuesAttribute,
    WholeNumberAttribute,
)
from dynamodb.models import Index, Record, VersionedRecord
from dynamodb.times import utc_day
from payments.identifiers import account_id
from payments.money import format_amount

_ROW_ATTRIBUTES = [
    "amount", "currency", "status", "description", "from_account_id", "to_account_id",
    "from_number", "to_number", "failure_code", "failure_reason",
]  # fmt: skip
"""What a row of a payment list shows; the last two are there where a payment did not happen."""


class FrozenDirection(StrEnum):
    DEBITS = "debits"
    CREDITS = "credits"
    BOTH = "both"


class AccountStatus(StrEnum):
    ACTIVE = "active"
    FROZEN = "frozen"
    CLOSED = "closed"


class AccountType(StrEnum):
    CHECKING = "checking"
    SAVINGS = "savings"
    MERCHANT = "merchant"
    SYSTEM = "system"


class PaymentStatus(StrEnum):
    PENDING = "pending"
    PROCESSED = "processed"
    FAILED = "failed"
    CANCELED = "canceled"


class Account(Chained):
    """Money of one owner in one currency. All amounts are whole minor units."""

    class Meta:
        table_name = "accounts"

    indexes = (
        Index("customer-index", "customer_id"),
        Index("status-index", "status", "account_type"),
    )
    unaudited = frozenset({
        "day", "day_count", "day_credits", "day_debits", "failed_times", "id", "last_request",
        "request_hash", "request_id",
    })  # fmt: skip

    id = TextAttribute(hash_key=True)
    account_number = TextAttribute(range_key=True)
    customer_id = TextAttribute()
    status = EnumAttribute(AccountStatus)
    account_type = EnumAttribute(AccountType)
    balance = WholeNumberAttribute(default=0)
    held = WholeNumberAttribute(default=0)
    currency = TextAttribute()
    day = TextAttribute(null=True)
    day_debits = WholeNumberAttribute(null=True)
    day_credits = WholeNumberAttribute(null=True)
    day_count = WholeNumberAttribute(null=True)
    locked_until = TimeAttribute(null=True)
    failed_attempts = WholeNumberAttribute(null=True)
    failed_times = TextListAttribute(null=True)
    frozen_direction = EnumAttribute(FrozenDirection, null=True)
    frozen_until = TimeAttribute(null=True)
    transfer_limit = WholeNumberAttribute(null=True)
    day_limit = WholeNumberAttribute(null=True)
    details_version = WholeNumberAttribute(default=0)
    last_request = TextAttribute(null=True)
    request_id = TextAttribute(null=True)
    request_hash = TextAttribute(null=True)

    @property
    def available(self) -> int:
        """What may be paid out, in minor units: the balance less what is held."""
        return self.balance - self.held

    @property
    def is_system(self) -> bool:
        return self.account_type == AccountType.SYSTEM

    def is_active(self) -> bool:
        return self.status == AccountStatus.ACTIVE

    def takes(self, side: FrozenDirection, at: datetime) -> bool:
        """Whether money may leave (``DEBITS``) or arrive (``CREDITS``) at this time.

        A freeze may be for one side only, and thaws by itself when its end has come.
        """
        status = self.status_at(at)
        if status != AccountStatus.FROZEN:
            return status == AccountStatus.ACTIVE
        return self.frozen_direction not in (None, FrozenDirection.BOTH, side)

    def status_at(self, at: datetime) -> AccountStatus:
        """The status at a time: a freeze that has ended is none, though it still stands here."""
        is_over = self.status == AccountStatus.FROZEN and self.is_thawed(at)
        return AccountStatus.ACTIVE if is_over else self.status

    def is_thawed(self, at: datetime) -> bool:
        """Whether a freeze has come to its end."""
        return self.frozen_until is not None and self.frozen_until <= at

    def current_day(self, at: datetime) -> str:
        """The UTC day that totals run in; a clock that steps back does not begin the last anew."""
        return max(utc_day(at), self.day or "")

    def day_total(self, name: str, at: datetime) -> int:
        """A running total of the current day, such as ``day_debits``; 0 on a new day."""
        return (getattr(self, name) or 0) if self.day == self.current_day(at) else 0

    def is_locked(self, at: datetime) -> bool:
        """Whether debits are locked after repeated failures."""
        return self.locked_until is not None and self.locked_until > at

    def covers(self, amount_minor: int) -> bool:
        """Whether the money is there. System accounts may go negative."""
        return self.is_system or self.available >= amount_minor

    def can_debit(self, amount_minor: int, at: datetime) -> bool:
        """Whether ``amount_minor`` may be taken at this time: active, not locked, covered."""
        takes = self.takes(FrozenDirection.DEBITS, at)
        return takes and not self.is_locked(at) and self.covers(amount_minor)

    def format_balance(self) -> str:
        """The balance in major units, exact, with its currency: ``5,000.00 USD``."""
        return format_amount(self.balance, self.currency)


class Payment(Chained):
    """One request to move money, and what became of it. Written once or moved forward."""

    class Meta:
        table_name = "payments"

    indexes = (
        Index(
            "customer-index", "customer_id", "created_at", carries=[*_ROW_ATTRIBUTES, "merchant_id"]
        ),
        Index(
            "merchant-index", "merchant_id", "created_at", carries=[*_ROW_ATTRIBUTES, "customer_id"]
        ),
        Index("status-index", "status_key", "created_at"),
    )
    stream = "NEW_AND_OLD_IMAGES"
    spread_indexes = frozenset({"status-index"})
    unaudited = frozenset({
        "id", "timestamp", "status_key", "request_hash", "posted_as", "from_number", "to_number",
    })  # fmt: skip

    id = TextAttribute(hash_key=True)
    timestamp = TextAttribute(range_key=True)
    customer_id = TextAttribute(null=True)
    merchant_id = TextAttribute(null=True)
    status = EnumAttribute(PaymentStatus)
    status_key = TextAttribute()
    amount = WholeNumberAttribute()
    currency = TextAttribute()
    description = TextAttribute(null=True)
    from_account_id = TextAttribute()
    to_account_id = TextAttribute()
    from_number = TextAttribute(null=True)
    to_number = TextAttribute(null=True)
    processed_at = TimeAttribute(null=True)
    failure_reason = TextAttribute(null=True)
    failure_code = TextAttribute(null=True)
    requested_by = TextAttribute(null=True)
    requested_as = TextListAttribute(null=True)
    approved_by = TextAttribute(null=True)
    ended_by = TextAttribute(null=True)
    expires_at = TimeAttribute(null=True)
    reverses = TextAttribute(null=True)
    reversed_by = TextAttribute(null=True)
    reversed_amount = WholeNumberAttribute(null=True)
    reserved = WholeNumberAttribute(null=True)
    scheduled_for = TextAttribute(null=True)
    triggers = TextListAttribute(null=True)
    batch_id = TextAttribute(null=True)
    reference = TextAttribute(null=True)
    request_hash = TextAttribute(null=True)
    posted_as = TextListAttribute(null=True)

    @property
    def ends(self) -> tuple[str, str]:
        """The numbers of the accounts that pay and receive, by which they are known and found.

        The id of one whose number it does not name, or not rightly.
        """
        return (
            _number_or_id(self.from_number, self.from_account_id),
            _number_or_id(self.to_number, self.to_account_id),
        )

    @property
    def reversible(self) -> int:
        """What reversals, done or under way, have left of a processed payment, in minor units."""
        return self.amount - (self.reversed_amount or 0) if self.is_processed() else 0

    @property
    def awaits_its_day(self) -> bool:
        """Scheduled, and not decided yet: nothing is reserved for it."""
        return self.can_cancel() and bool(self.scheduled_for) and not self.reserved

    def is_processed(self) -> bool:
        return self.status == PaymentStatus.PROCESSED

    def can_cancel(self) -> bool:
        """Only while pending: what is posted can be reversed, never canceled."""
        return self.status == PaymentStatus.PENDING


class IdempotencyKey(Record):
    """A caller's own name for a request, and the payment it became. Kept for ever."""

    class Meta:
        table_name = "idempotency"

    key = TextAttribute(hash_key=True)
    payment_id = TextAttribute()
    request_hash = TextAttribute()
    created_at = TimeAttribute(null=True)


class Activity(VersionedRecord):
    """What one subject has moved in the current UTC day: ``maker:teller1:USD``, minor units.

    ``total`` has moved without a second person; ``asked`` is that and what waited for one.
    A ``customer:<id>`` has ``sums`` by currency and direction, and in ``recent`` the times and ids
    of the last payments; until ``burst_until`` those that come belong to a burst already told of.
    """

    class Meta:
        table_name = "activity"

    subject = TextAttribute(hash_key=True)
    day = TextAttribute()
    total = WholeNumberAttribute(default=0)
    sums = ValuesAttribute(null=True)
    recent = TextListAttribute(null=True)
    burst_until = TimeAttribute(null=True)
    asked = WholeNumberAttribute(default=0)

    def current_day(self, at: datetime) -> str:
        return max(utc_day(at), self.day)

    def total_on(self, at: datetime) -> int:
        """What has moved in the current day, in minor units; 0 on a new day."""
        return self.total if self.day == self.current_day(at) else 0

    def asked_on(self, at: datetime) -> int:
        """What has been asked for in the current day, in minor units; 0 on a new day."""
        return self.asked if self.day == self.current_day(at) else 0


def _number_or_id(number: str | None, named: str) -> str:
    return number if number and account_id(number) == named else named
