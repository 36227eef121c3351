"""Transfers that go together: the same as one by one, down to the last byte of the store."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit import context
from audit.context import Actor, Context
from audit.models import AuditLog
from dynamodb import client, store, transactions
from dynamodb.client import count_requests
from dynamodb.errors import StoreError
from dynamodb.transactions import Attempt, Committed, Transaction, commit
from payments import directory, groups, lifecycle, policy, turns
from payments.models import Account, FrozenDirection, Payment
from payments.policy import Policy
from payments.refusals import KeyReused, Refusal
from payments.requests import TransferRequest
from payments.transfers import Transfer, transfer_funds, transfer_many
from tests.bank import check_bank
from tests.builders import NOON, PROGRAM, TELLER, a_request, opened, planted, transferred
from tests.stores import rows_of, unchanged

TABLES = ("accounts", "payments", "audit_log", "audit_heads", "activity", "alerts", "idempotency")

moto = pytest.mark.usefixtures("moto_store")
local = [pytest.mark.integration, pytest.mark.usefixtures("local_store")]


def stands() -> dict[str, list[str]]:
    return {table: sorted(repr(sorted(row.items())) for row in rows_of(table)) for table in TABLES}


def told(answer: Any) -> tuple[Any, ...]:
    """An answer in what callers look at."""
    if isinstance(answer, Transfer):
        payment = answer.payment
        return payment.id, payment.status, payment.failure_code, payment.version, answer.is_replay
    return type(answer), str(answer)


def one_by_one(requests: Sequence[TransferRequest], actor: Actor = TELLER) -> list[Any]:
    answers: list[Any] = []
    for request in requests:
        try:
            answers.append(transfer_funds(request, actor=actor, at=NOON))
        except (Refusal, StoreError) as trouble:
            answers.append(trouble)
    return answers


def a_mixture(chance: random.Random, accounts: list[Account]) -> list[TransferRequest]:
    """Good ones and each sort of bad ones, some sent twice, some to be reversed at once."""
    mixture: list[TransferRequest] = []
    for number in range(60):
        source, target = chance.sample(accounts, 2)
        amount = chance.choice([0, 1, 40, 300, 2_500, 9_000])
        odd: dict[str, Any] = chance.choice(
            [{}] * 12
            + [
                {"currency": "EUR"}, {"currency": "XXX"}, {"to_account_id": "acc_nowhere"},
                {"customer_id": "somebody else"}, {"scheduled_for": "2026-03-09"},
                {"merchant_id": "shop", "description": "x"}, {"idempotency_key": f"k{number % 9}"},
            ]
        )  # fmt: skip
        mixture.append(a_request(source, target, amount_minor=amount, **odd))
        if chance.random() < 0.1:
            mixture.append(mixture[-1])
        if chance.random() < 0.1:
            mixture.append(replace(mixture[-1], amount_minor=7))
        if chance.random() < 0.1:
            paid = mixture[-1].payment_id
            mixture.append(a_request(target, source, amount_minor=1, reverses=paid))
    return mixture


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of payments in each commit that went through."""
    sizes: list[int] = []

    def counted(attempt: Attempt) -> transactions.Outcome:
        outcome = commit(attempt)
        if isinstance(outcome, Committed):
            sizes.append(sum("Put" in each and each["Put"]["TableName"] == Payment.table_name()
                             for each in attempt.actions))  # fmt: skip
        return outcome

    monkeypatch.setattr("dynamodb.retries.commit", counted)
    return sizes


@moto
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("actor", [TELLER, PROGRAM], ids=["person", "program"])
def test_together_leaves_the_very_store_that_one_by_one_leaves(actor: Actor, seed: int) -> None:
    chance = random.Random(seed)
    rules = Policy(approval_threshold=8_000, large_transaction_threshold=5_000)
    policy.configure(replace(rules, max_failed_attempts=2))
    accounts = [opened(f"a{number}", balance=2_000 * number) for number in range(5)]
    frozen: dict[str, Any] = {"direction": FrozenDirection.CREDITS, "until": None, "reason": "r"}
    lifecycle.freeze_account(account_id=accounts[4].id, actor=TELLER, at=NOON, **frozen)
    requests = a_mixture(chance, accounts)
    with unchanged():
        expected, alone = [told(each) for each in one_by_one(requests, actor)], stands()
    with count_requests() as sent:
        answers = [told(each) for each in transfer_many(requests, actor=actor, at=NOON)]
    assert answers == expected
    assert check_bank().faults == []
    assert {("processed", None), ("failed", "insufficient_funds")} < {each[1:3] for each in answers}
    assert any(issubclass(kind, Refusal) for kind, *_ in answers if isinstance(kind, type))
    together = stands()
    for table in TABLES:
        assert together[table] == alone[table], table
    assert sent.operations.count("TransactWriteItems") < len(requests)


def unalarmed() -> None:
    """An alert and its entry take two more actions of the commit that raises it."""
    policy.configure(replace(policy.policy(), suspicious_velocity_threshold=10**6))


@moto
def test_24_transfers_between_two_accounts_are_two_requests() -> None:
    unalarmed()
    source, target = opened("a", balance=5000), opened("b")
    requests = [a_request(source, target, amount_minor=1) for _ in range(24)]
    with count_requests() as sent:
        transfer_many(requests, actor=PROGRAM, at=NOON)
    assert sent.operations == ["BatchGetItem", "TransactWriteItems"]
    after = store.get(source)
    assert after is not None
    assert (after.balance, after.version, after.audit_seq) == (4976, 25, 25)


@moto
def test_19_transfers_from_one_account_to_as_many_fit_into_a_commit() -> None:
    unalarmed()
    source = opened("a", balance=5000)
    targets = [opened(f"to-{number}") for number in range(20)]
    requests = [a_request(source, target, amount_minor=1) for target in targets]
    for count, commits in ((19, 1), (20, 2)):
        with count_requests() as sent, unchanged():
            transfer_many(requests[:count], actor=PROGRAM, at=NOON)
        assert sent.operations.count("TransactWriteItems") == commits


@moto
@pytest.mark.parametrize(("setting", "sizes"), [("1", [1, 1, 1]), ("2", [2, 1]), ("24", [3])])
def test_the_setting_says_how_many_go_together(
    commits: list[int], setting: str, sizes: list[int]
) -> None:
    policy.configure(Policy.from_environment({"GROUP_COMMIT": setting}))
    source, target = opened("a", balance=100), opened("b")
    requests = [a_request(source, target, amount_minor=1) for _ in range(3)]
    commits.clear()
    transfer_many(requests, actor=PROGRAM, at=NOON)
    assert commits == sizes
    queue = groups._Queue()
    queue.waiting = [a_member(1, 2) for _ in range(3)]
    first = queue.waiting[0]
    queue._hand_out()
    assert len(first.leads) == sizes[0]


@moto
def test_sent_again_all_of_them_are_what_they_were() -> None:
    source, target = opened("a", balance=30), opened("b")
    requests = [a_request(source, target, amount_minor=7) for _ in range(6)]
    first = transfer_many(requests, actor=TELLER, at=NOON)
    before = stands()
    again = transfer_many(requests, actor=TELLER, at=NOON)
    assert [told(each)[:4] for each in again] == [told(each)[:4] for each in first]
    assert all(isinstance(each, Transfer) and each.is_replay for each in again)
    assert stands() == before
    other = transfer_many([replace(requests[0], amount_minor=8)], actor=TELLER, at=NOON)
    assert [type(each) for each in other] == [KeyReused]


@moto
def test_who_is_faster_in_between_changes_what_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = opened("a", balance=100), opened("b")
    requests = [a_request(source, target, amount_minor=40) for _ in range(3)]
    faster = iter([True])

    def others_first(attempt: Attempt) -> transactions.Outcome:
        if next(faster, False):
            transferred(source, target, amount_minor=50, actor=PROGRAM)
        return commit(attempt)

    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())
    monkeypatch.setattr("dynamodb.retries.commit", others_first)
    answers = transfer_many(requests, actor=TELLER, at=NOON)
    assert [told(each)[2] for each in answers] == [None, "insufficient_funds", "insufficient_funds"]
    assert check_bank().faults == []


@moto
@pytest.mark.parametrize("is_known", [True, False], ids=["known", "looked up"])
def test_a_damaged_account_sinks_its_own_transfers_alone(is_known: bool) -> None:
    source, target, damaged = opened("a", balance=100), opened("b"), opened("c")
    planted(damaged.with_changes({"audit_hash": "0" * 64, "balance": 0}))
    client.call(
        "UpdateItem", TableName=Account.table_name(), Key=damaged.key_item(),
        UpdateExpression="SET balance = :b", ExpressionAttributeValues={":b": {"N": "1.5"}},
    )  # fmt: skip
    requests = [a_request(source, end, amount_minor=1) for end in (target, damaged, target)]
    if not is_known:
        directory._numbers.clear()
    answers = transfer_many(requests, actor=TELLER, at=NOON)
    assert [isinstance(each, Transfer) for each in answers] == [True, False, True]
    assert isinstance(answers[1], StoreError)


@moto
def test_a_record_is_joined_only_as_the_one_before_leaves_it() -> None:
    account = opened("a", balance=100)
    names = {"account": "account"}
    both = Transaction(at=NOON)
    for _ in range(2):
        stale = Transaction(at=NOON)
        stale.update("account", account, {"balance": 1})
        if both.is_empty:
            assert both.join(stale, names)
    with pytest.raises(ValueError, match="is not as"):
        both.join(stale, names)


@moto
def test_a_group_that_would_make_money_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = opened("a", balance=100), opened("b")
    join = Transaction.join

    def generous(self: Transaction, other: Transaction, names: Any) -> bool:
        fits = join(self, other, names)
        write = self._writes[target.id]
        richer = {"balance": 10**6}
        after = write.after.with_changes(richer)
        self._writes[target.id] = replace(
            write, after=after, changes={**(write.changes or {}), **richer}
        )
        return fits

    monkeypatch.setattr(Transaction, "join", generous)
    requests = [a_request(source, target, amount_minor=1) for _ in range(3)]
    answers = transfer_many(requests, actor=TELLER, at=NOON)
    assert all(isinstance(each, Transfer) for each in answers)
    assert check_bank().faults == []


WRITERS, EACH = 16, 6


def hot(source: Account, targets: Sequence[Account], **values: Any) -> dict[int, list[Payment]]:
    """What each of many writers was answered, all paying from one account, each by its clock."""
    gate = threading.Barrier(WRITERS)

    def write(number: int) -> list[Payment]:
        gate.wait(30)
        with context.use(Context(request_id=f"writer-{number}")):
            at, target = NOON - timedelta(seconds=number), targets[number % len(targets)]
            return [transferred(source, target, at, PROGRAM, **values).payment for _ in range(EACH)]

    with ThreadPoolExecutor(WRITERS) as pool:
        return dict(enumerate(pool.map(write, range(WRITERS))))


@pytest.mark.integration
@pytest.mark.usefixtures("local_store")
def test_writers_of_a_hot_account_go_together_and_none_is_left_behind(commits: list[int]) -> None:
    source = opened("hot", balance=100_000)
    targets = [opened(f"to-{number}") for number in range(4)]
    for target in targets:
        transferred(source, target, amount_minor=1)
    commits.clear()
    answered = hot(source, targets, amount_minor=10)
    assert all(payment.is_processed() for paid in answered.values() for payment in paid)
    assert sum(commits) == WRITERS * EACH
    assert len(commits) <= WRITERS * EACH / 3
    entries = [each for each in AuditLog.query(source.id) if each.action == "account.debited"]
    assert [each.seq for each in entries] == sorted(each.seq for each in entries)
    for number, paid in answered.items():
        own = [each for each in entries if each.reference in {payment.id for payment in paid}]
        assert [each.reference for each in own] == [payment.id for payment in paid]
        assert {each.request_id for each in own} == {f"writer-{number}"}
    assert check_bank().faults == []


@pytest.mark.integration
@pytest.mark.usefixtures("local_store")
def test_no_sum_of_a_hot_account_passes_its_balance_or_limit() -> None:
    source, target = opened("hot", balance=50), opened("b")
    policy.configure(replace(policy.policy(), max_failed_attempts=10**6))
    answered = hot(source, [target], amount_minor=1)
    ends = Counter(each.failure_code for paid in answered.values() for each in paid)
    assert ends == {None: 50, "insufficient_funds": WRITERS * EACH - 50}
    assert check_bank().faults == []


def a_member(source: int, target: int) -> groups.Member:
    request = a_request(f"acc_{source}", f"acc_{target}")
    deciding: Any = type("Deciding", (), {"request": request, "is_due": False})()
    keys: dict[str, Any] = {
        "source": Account(id=f"acc_{source}"), "target": Account(id=f"acc_{target}")
    }  # fmt: skip
    return groups.Member(deciding=deciding, keys=keys)


@pytest.mark.parametrize("seed", range(20))
def test_the_queue_passes_nobody_and_moves_nothing_twice(seed: int) -> None:
    chance, queue = random.Random(seed), groups._Queue()
    came: list[groups.Member] = []
    led: list[groups.Member] = []
    left: list[groups.Member] = []
    while len(left) < 200:
        if len(came) < 200 and chance.random() < 0.6:
            member = a_member(*chance.sample(range(12), 2))
            came.append(member)
            queue.waiting.append(member)
            queue._hand_out()
        leaders = [each for each in came if each.leads and each not in left]
        moving = [
            want for leader in leaders for want in set().union(*(m.wants for m in leader.leads))
        ]
        assert len(moving) == len(set(moving))
        for leader in leaders:
            for each in leader.leads:
                if each not in led:
                    led.append(each)
        if leaders and chance.random() < 0.5:
            group = chance.choice(leaders).leads
            assert len(group) <= groups.MOST
            left.extend(group)
            queue.leave(group)
            for each in group:
                each.leads = ()
    assert not queue.waiting
    assert not queue.moving
    places = {member: place for place, member in enumerate(led)}
    for want in {want for member in came for want in member.wants}:
        order = [places[member] for member in came if want in member.wants]
        assert order == sorted(order)
