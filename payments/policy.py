"""The numbers that money moves by: thresholds, limits and times, set once at start."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta

from payments.money import exponent


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the house allows; each is read from the variable of its name in capitals.

    Thresholds are in minor units of a currency with two decimals and mean the same number of whole
    units in every currency. PCI DSS 8.3.4 asks for a lock after at most 10 attempts and for at
    least 30 minutes; 31 CFR 1010.311 looks at 10,000 units and more.
    """

    approval_threshold: int = 1_000_000
    approval_hours: int = 24
    max_failed_attempts: int = 3
    account_lock_minutes: int = 30

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Policy":
        """Read what is set; raises ``ValueError`` that names what is not a whole number."""
        given = {field.name: environment.get(field.name.upper(), "") for field in fields(cls)}
        for name, text in given.items():
            if text and not (text.isascii() and text.isdecimal()):
                raise ValueError(f"{name.upper()} must be a whole number, not {text!r}.")
        return cls(**{name: int(text) for name, text in given.items() if text})

    def approval_threshold_minor(self, currency: str) -> int:
        """What may move in a day without a second person, in the currency's own minor units."""
        return self.approval_threshold * int(10 ** exponent(currency)) // 100

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
