"""The numbers that money moves by: thresholds, limits and times, set once at start."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta

from payments.money import in_currency
from payments.role_limits import RoleLimits


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the house allows; each is read from the variable of its name in capitals.

    Thresholds are in minor units of a currency with two decimals and mean the same number of whole
    units in every currency. PCI DSS 8.3.4 asks for a lock after at most 10 attempts and for at
    least 30 minutes; 31 CFR 1010.311 looks at 10,000 units and more. At most ``group_commit``
    transfers that wait for the same accounts go into one commit; 1 is each by itself.
    """

    approval_threshold: int = 1_000_000
    approval_hours: int = 24
    max_failed_attempts: int = 3
    account_lock_minutes: int = 30
    large_transaction_threshold: int = 1_000_000
    suspicious_velocity_threshold: int = 5
    alert_days: int = 30
    structuring_percent: int = 90
    structuring_payments: int = 3
    dormant_days: int = 180
    dormant_amount: int = 100_000
    fan_accounts: int = 8
    fan_days: int = 3
    fan_amount: int = 500_000
    round_trip_days: int = 3
    round_trip_percent: int = 90
    round_trip_amount: int = 100_000
    transaction_retention_days: int = 2555
    group_commit: int = 24
    role_limits: RoleLimits = field(default_factory=RoleLimits)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Policy":
        """Read what is set; raises ``ValueError`` that names what has the wrong shape."""
        given = {each.name: environment.get(each.name.upper(), "") for each in fields(cls)}
        role_limits = RoleLimits.parse(given.pop("role_limits"))
        for name, text in given.items():
            if text and not (text.isascii() and text.isdecimal()):
                raise ValueError(f"{name.upper()} must be a whole number, not {text!r}.")
        numbers = {name: int(text) for name, text in given.items() if text}
        return cls(role_limits=role_limits, **numbers)

    def approval_threshold_minor(self, currency: str) -> int:
        """What may move in a day without a second person, in the currency's own minor units."""
        return in_currency(self.approval_threshold, currency)

    def large_transaction_minor(self, currency: str) -> int:
        """From where on a payment, or a customer's sum of a day, is large, in minor units."""
        return in_currency(self.large_transaction_threshold, currency)

    @property
    def alert_time(self) -> timedelta:
        """How long after its detection an alert must be decided (31 CFR 1020.320(b)(3))."""
        return timedelta(days=self.alert_days)

    @property
    def approval_time(self) -> timedelta:
        """How long a request waits for a second person before it expires."""
        return timedelta(hours=self.approval_hours)

    @property
    def lock(self) -> timedelta:
        """How long debits stay locked, and the time within which failures count together."""
        return timedelta(minutes=self.account_lock_minutes)


_policy = Policy()


def configure(policy: Policy) -> None:
    global _policy  # noqa: PLW0603 - set once a process
    _policy = policy


def policy() -> Policy:
    """The numbers in force."""
    return _policy
