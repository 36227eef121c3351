"""How often somebody may guess a password: counted by name and by address, in the store.

An attempt counts before its password is looked at, and stops counting once somebody is in; so of
twenty guesses at once no more than three are looked at. Failures within half an hour of each other
count together. An address is locked for people whose last sign-in was not from it: a guesser
behind the proxy of an office does not lock out those who work there.
"""

from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from django.utils.crypto import salted_hmac

from backoffice.staff.queries import as_username
from backoffice.staff.records import SignInAttempts
from dynamodb import store
from dynamodb.errors import ConditionFailedError
from payments.policy import policy


def digest(typed: str) -> str:
    """A name that was typed, or what was typed in its place, perhaps a password."""
    name = as_username(typed) or typed
    return salted_hmac("backoffice.sign_in", name, algorithm="sha256").hexdigest()


def of_name(typed: str) -> SignInAttempts:
    """The key of a name's attempts."""
    return SignInAttempts(subject=f"name:{digest(typed)}")


def of_address(address: str) -> SignInAttempts:
    """The key of an address's attempts."""
    return SignInAttempts(subject=f"address:{address}")


def is_counted(address: str) -> bool:
    """Whether an address may be locked: not this machine itself, for behind it may be anybody."""
    try:
        return not ip_address(address).is_loopback
    except ValueError:
        return False


def is_locked(record: SignInAttempts | None, at: datetime) -> bool:
    """Whether all attempts are used up."""
    if record is None or record.expires_at <= at.timestamp():
        return False
    return bool(record.failures >= policy().max_failed_attempts)


def locked_until(username: str, at: datetime) -> datetime | None:
    """When a name's lock ends; ``None`` where it is not locked."""
    record = store.get(of_name(username))
    if record is None or not is_locked(record, at):
        return None
    return datetime.fromtimestamp(record.expires_at, UTC)


def count_one(username: str, at: datetime) -> SignInAttempts:
    """Count an attempt at a person's second factor."""
    key = of_name(username)
    return count(key, store.get(key), at)


def is_too_many(tried: SignInAttempts) -> bool:
    """Whether a counted attempt must not be looked at."""
    return bool(tried.failures > policy().max_failed_attempts)


def give_back(username: str) -> None:
    """Do not count an attempt that was right so far: its second factor is counted next."""
    some = SignInAttempts.failures > 0
    with suppress(ConditionFailedError):
        store.update(of_name(username), SignInAttempts.failures.add(-1), condition=some)


def count(key: SignInAttempts, seen: SignInAttempts | None, at: datetime) -> SignInAttempts:
    """Count one attempt more, in one request if the record still is as ``seen``.

    A lock ends half an hour after the attempt that brought it, whatever is tried meanwhile.
    """
    now, end = int(at.timestamp()), int((at + policy().lock).timestamp())
    most, failures, ends = (
        policy().max_failed_attempts, SignInAttempts.failures, SignInAttempts.expires_at,
    )  # fmt: skip
    while True:  # until the record is as it was seen
        if seen is None or seen.expires_at <= now:
            steps: list[Any] = [failures.set(1), ends.set(end)]
            condition = SignInAttempts.subject.does_not_exist() | (ends <= now)
        elif seen.failures < most:
            steps = [failures.add(1), ends.set(end)]
            condition = (ends > now) & (failures < most)
        else:
            steps = [failures.add(1)]
            condition = (ends > now) & (failures >= most)
        try:
            return store.update(key, *steps, condition=condition)
        except ConditionFailedError as error:
            seen = SignInAttempts.from_item(error.item) if error.item else None
