"""Group commit: transfers that want the same records go into one transaction, in their order.

Each is decided on what those before it leave, and has its own payment, entries and refusal; an
account that several of them move is written once. What stops a group stops none of its members:
each then settles alone. A commit takes 100 actions. A transfer brings four of its own, the payment
and three entries, so 24 fit between the same two accounts, and 19 from one to as many others.
"""

import logging
import threading
from collections.abc import Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from dynamodb.errors import OutcomeUnknownError, StoreBusyError, StoreError, StoreRefusedError
from dynamodb.models import Record
from dynamodb.retries import BUSY, settle
from dynamodb.transactions import Transaction
from payments import directory, turns
from payments.deciding import Deciding, Transfer, contended
from payments.ledger import UnbalancedError
from payments.models import Account
from payments.policy import policy
from payments.refusals import Refusal

_log = logging.getLogger(__name__)

MOST = 24
"""More never fit into one transaction, nor their records into one read of 100 keys."""

Answer = Transfer | Refusal


@dataclass(eq=False, kw_only=True)
class Member:
    """A transfer in a group. Without an ``answer`` it is left to settle alone."""

    deciding: Deciding
    keys: dict[str, Record | None]
    answer: Answer | None = None
    is_tried: bool = False
    is_unknown: bool = False
    leads: Sequence["Member"] = ()
    wake: threading.Event = field(default_factory=threading.Event)
    context: Context = field(default_factory=copy_context)

    @cached_property
    def wants(self) -> set[str]:
        """What no two groups may move at once."""
        return contended(self.keys)

    @cached_property
    def is_sociable(self) -> bool:
        """Whether it depends on nothing but its accounts and totals, all of them known by name."""
        request = self.deciding.request
        is_plain = not (request.reverses or request.scheduled_for or self.deciding.is_due)
        return is_plain and None not in map(self.keys.get, ("source", "target", "customer"))

    @cached_property
    def own(self) -> set[str]:
        """What names the request: the same one twice is not of one group."""
        request = self.deciding.request
        return {request.payment_id, request.idempotency_key} - {""}

    @cached_property
    def names(self) -> dict[str, str]:
        """Names of its records in a group's transaction: those that others share have one."""
        shared = {"source": self.deciding.request.from_account_id}
        shared["target"] = self.deciding.request.to_account_id
        for name in ("customer", "maker"):
            if (key := self.keys.get(name)) is not None:
                shared[name] = str(getattr(key, "subject", name))
        own = self.deciding.request.payment_id
        entries = {f"audit:{name}": f"{own} audit:{name}" for name in self.keys}
        return entries | {name: shared.get(name, f"{own} {name}") for name in self.keys}

    def result(self) -> Transfer:
        """The answer, or what settling alone comes to."""
        if isinstance(self.answer, Refusal):
            raise self.answer
        return self.answer or self._alone()

    def _alone(self) -> Transfer:
        trouble: StoreError = StoreBusyError(BUSY)
        if self.deciding.patience.remaining_seconds > 0 or not self.is_tried:
            try:
                return self._unless_own(self.deciding.settle())
            except StoreError as error:
                trouble = error
        if not self.is_unknown or isinstance(trouble, OutcomeUnknownError):
            raise trouble
        unknown = OutcomeUnknownError(str(trouble))
        unknown.reference = self.deciding.request.payment_id
        raise unknown from trouble

    def _unless_own(self, done: Transfer) -> Transfer:
        """A payment that is there is no replay where the group has just made it."""
        is_own = self.is_unknown and done.payment.id == self.deciding.request.payment_id
        is_own &= done.payment.created_at == self.deciding.at
        return replace(done, is_replay=done.is_replay and not is_own)


def settle_in_turn(deciding: Deciding) -> Transfer:
    """Settle a transfer, with those of other threads that have been waiting for its records.

    Nobody waits for company: a thread that finds its records free goes at once, and whoever comes
    while they move goes with all others that came, in their order. Raises as settling alone does.
    """
    member = Member(deciding=deciding, keys=deciding.keys())
    if policy().group_commit <= 1 or not member.is_sociable:
        return member.result()
    _queue.wait(member)
    if member.leads:
        try:
            if len(member.leads) == 1:
                return member.result()
            _lead(member.leads)
        finally:
            _queue.leave(member.leads)
    return member.result()


def settle_all(decidings: Sequence[Deciding]) -> list[Transfer | Refusal | StoreError]:
    """Settle many transfers one after the other, as many in a commit as fit; what became of each.

    Trouble with one is its own answer, and the next go on. Each has patience of its own.
    """
    found: list[Transfer | Refusal | StoreError] = []
    while left := decidings[len(found) :]:
        group = _first_group(left)
        done = _settle_some(group) if len(group) > 1 else 1
        found += map(_what_became, group[: done or len(group)])
    return found


def _what_became(member: Member) -> Transfer | Refusal | StoreError:
    try:
        return member.result()
    except (Refusal, StoreError) as trouble:
        return trouble


def _first_group(decidings: Sequence[Deciding]) -> list[Member]:
    group: list[Member] = []
    taken: set[str] = set()
    for each in decidings[: max(1, min(MOST, policy().group_commit))]:
        deciding = replace(each, patience=turns.patience())
        try:
            member = Member(deciding=deciding, keys=deciding.keys())
        except StoreError:  # alone, it meets its own trouble
            member = Member(deciding=deciding, keys={})
        is_welcome = member.is_sociable and member.own.isdisjoint(taken)
        if group and not is_welcome:
            break
        group.append(member)
        taken |= member.own
        if not is_welcome:
            break
    return group


@dataclass
class _Queue:
    """Who waits, in their order, and the records that are being moved."""

    waiting: list[Member] = field(default_factory=list)
    moving: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, member: Member) -> None:
        """Until it is over or has a group to lead; raises ``StoreBusyError`` once patience ends."""
        with self.lock:
            self.waiting.append(member)
            self._hand_out()
        if member.wake.wait(max(0.0, member.deciding.patience.remaining_seconds)):
            return
        with self.lock:
            if member in self.waiting:
                self.waiting.remove(member)
                self._hand_out()
                raise StoreBusyError(BUSY)
        member.wake.wait()

    def leave(self, group: Sequence[Member]) -> None:
        with self.lock:
            self.moving.difference_update(*(member.wants for member in group))
            self._hand_out()
        for member in group:
            member.wake.set()

    def _hand_out(self) -> None:
        while group := self._next_group():
            self.moving.update(*(member.wants for member in group))
            group[0].leads = group
            group[0].wake.set()

    def _next_group(self) -> list[Member]:
        """The first that wants nothing that moves, and who wants what it does; nobody is passed."""
        group: list[Member] = []
        passed, wanted, taken = set(self.moving), set[str](), set[str]()
        for member in self.waiting:
            is_free = member.wants.isdisjoint(passed) and member.own.isdisjoint(taken)
            belongs = not group or not member.wants.isdisjoint(wanted)
            if is_free and belongs and len(group) < min(MOST, policy().group_commit):
                group.append(member)
                wanted |= member.wants
                taken |= member.own
            else:
                passed |= member.wants
        self.waiting = [member for member in self.waiting if member not in group]
        return group


_queue = _Queue()


def _lead(group: Sequence[Member]) -> None:
    """Settle a group, in as many commits as it takes; each member waits for its own alone."""
    while len(group) > 1 and (done := _settle_some(group)):
        for member in group[:done]:
            member.wake.set()
        group = group[done:]


def _settle_some(members: Sequence[Member]) -> int:
    """Answer as many as fit into one commit; tells how many, 0 where it came to nothing."""
    for member in members:
        member.is_tried = True
    patience = turns.patience(min(each.deciding.patience.remaining_seconds for each in members))
    wanted = set[str]().union(*(member.wants for member in members))
    keys = {name: key for each in members for name, key in _by_names(each, each.keys).items()}
    try:
        with turns.turn(patience, *wanted):
            known = directory.read(keys, patience)
            build = partial(_build, members, known)
            answers = settle(build, known, at=members[0].deciding.at, patience=patience)
    except Exception as trouble:  # noqa: BLE001 - alone, each member meets its own trouble
        _log.warning("a group of %d settles one by one", len(members), exc_info=True)
        for member in members:
            member.is_unknown = not isinstance(trouble, StoreBusyError | StoreRefusedError)
        return 0
    for member, answer in zip(members, answers, strict=False):
        member.answer = answer
    return len(answers)


def _build(
    members: Sequence[Member], known: dict[str, Any], tx: Transaction
) -> list[Answer | None]:
    """Decide one after the other, up to the first that has no room; ``None`` where one must alone.

    Every sum is asserted once more: what all of them do together moves nothing in or out.
    """
    state, answers = dict(known), list[Answer | None]()
    for member in members:
        deciding, own = member.deciding, Transaction(at=member.deciding.at)
        deciding.known = {name: state[member.names[name]] for name in member.keys}
        try:
            answer: Answer | None = member.context.run(deciding.build, own)
        except Refusal as refusal:
            answer = refusal
        except (StoreError, UnbalancedError):
            answers.append(None)
            continue
        if not tx.join(own, member.names):
            break
        state |= _by_names(member, own.records)
        answers.append(answer)
    _assert_balanced(known, tx.records)
    return answers


def _by_names(member: Member, records: dict[str, Any]) -> dict[str, Any]:
    return {member.names[name]: record for name, record in records.items()}


def _assert_balanced(before: dict[str, Any], after: dict[str, Record]) -> None:
    """Raise ``UnbalancedError`` where a group would make or lose money."""
    sums: dict[str, int] = {}
    for name, record in after.items():
        if isinstance(record, Account):
            moved = record.balance - before[name].balance
            sums[record.currency] = sums.get(record.currency, 0) + moved
    if any(sums.values()):
        raise UnbalancedError(f"A group would move {sums} in or out.")
