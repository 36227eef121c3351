"""Four eyes: what waits, who may decide it, and what each decision leaves behind."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import pytest

from audit import queries as trail
from audit.context import Actor
from dynamodb import client, store
from payments import approvals, compliance, directory, ledger, lifecycle, policy, queries, turns
from payments.approvals import (
    approve_payment,
    cancel_payment,
    digest,
    expire_payment,
    reject_payment,
)
from payments.models import Account, AccountStatus, FrozenDirection, Payment, PaymentStatus
from payments.policy import Policy
from payments.refusals import (
    DestinationNotActive,
    InvalidField,
    NotPending,
    PaymentNotFound,
    Refusal,
    RequestChanged,
    SamePerson,
    SourceNotActive,
)
from payments.settling import settle_due
from payments.transfers import transfer_funds
from tests.bank import check_bank
from tests.builders import NOON, PROGRAM, TELLER, a_request, opened, planted, transferred
from tests.dynamodb.faults import faults, passing

SUPERVISOR = Actor(id="supervisor1")


@pytest.fixture
def four_eyes(moto_store: None) -> None:
    policy.configure(Policy(approval_threshold=10_000))


def now(account: Account) -> Account:
    found = queries.get_account(account.id)
    assert found is not None
    return found


def pending(source: Account, target: Account, **values: Any) -> Payment:
    payment = transferred(source, target, **({"amount_minor": 20_000} | values)).payment
    assert payment.status == PaymentStatus.PENDING
    return payment


def approved(payment: Payment, actor: Actor = SUPERVISOR, hours: int = 1) -> Payment:
    at = NOON + timedelta(hours=hours)
    return approve_payment(payment_id=payment.id, shown=digest(payment), actor=actor, at=at)


def accounts() -> tuple[Account, Account]:
    """One with 900.00 and one with nothing, opened by a program, whom no total counts."""
    policy.configure(Policy(approval_threshold=10**15))
    source, target = opened("a", balance=90_000), opened("b")
    policy.configure(Policy(approval_threshold=10_000))
    return source, target


pytestmark = pytest.mark.usefixtures("four_eyes")


def test_above_the_threshold_a_transfer_waits_and_reserves_its_money() -> None:
    source, target = accounts()
    payment = pending(source, target)
    after = now(source)
    assert (after.balance, after.held, after.available) == (90_000, 20_000, 70_000)
    assert now(target).balance == 0
    assert payment.expires_at == NOON + timedelta(hours=24)
    assert payment.triggers
    assert next(entry.action for entry in trail.chain_page(source.id, person="").rows) == (
        "account.held"
    )
    assert transferred(source, target, amount_minor=70_001).payment.failure_code == (
        "insufficient_funds"
    )
    assert check_bank().faults == []


def test_whoever_has_met_neither_account_approves_and_counts_all_the_same() -> None:
    source, target = accounts()
    assert transferred(source, target, NOON, PROGRAM, amount_minor=1_000).payment.is_processed()
    payment = pending(source, target)
    directory._numbers.clear()
    with client.count_requests() as requests:
        assert approved(payment).is_processed()
    assert "Query" not in requests.operations
    assert (now(source).balance, now(source).held, now(target).balance) == (69_000, 0, 21_000)
    counted = store.get(compliance.customer_key(source.customer_id))
    assert counted is not None
    assert counted.sums == {"received USD": 90_000, "USD": 21_000}


def test_an_approval_posts_and_releases_in_one_commit() -> None:
    source, target = accounts()
    done = approved(pending(source, target))
    assert (done.status, done.approved_by) == (PaymentStatus.PROCESSED, SUPERVISOR.id)
    after = now(source)
    assert (after.balance, after.held, now(target).balance) == (70_000, 0, 20_000)
    assert approved(done).id == done.id
    assert now(target).balance == 20_000
    assert check_bank().faults == []


@pytest.mark.parametrize("small", [[6_000, 4_001], [3_000] * 4])
def test_splitting_does_not_help_the_maker(small: list[int]) -> None:
    policy.configure(Policy(approval_threshold=10**15))
    sources = [opened(f"s{number}", balance=90_000) for number in range(4)]
    targets = [opened(f"t{number}") for number in range(4)]
    policy.configure(Policy(approval_threshold=10_000))
    tomorrow = NOON + timedelta(days=1)
    statuses = [
        transferred(source, target, at=tomorrow, amount_minor=amount).payment.status
        for source, target, amount in zip(sources, targets, small, strict=False)
    ]
    assert statuses == [PaymentStatus.PROCESSED] * (len(small) - 1) + [PaymentStatus.PENDING]


def test_splitting_does_not_help_over_makers_where_source_or_target_is_one() -> None:
    source, target = accounts()
    tomorrow = NOON + timedelta(days=1)
    makers = [Actor(id=f"teller{number}") for number in range(3)]
    statuses = [
        transfer_funds(
            a_request(source, target, amount_minor=4_000), actor=maker, at=tomorrow
        ).payment.status
        for maker in makers
    ]
    assert statuses == [PaymentStatus.PROCESSED, PaymentStatus.PROCESSED, PaymentStatus.PENDING]


def test_the_totals_begin_anew_each_day_and_programs_have_none_of_their_own() -> None:
    source, target = accounts()
    for day in range(1, 4):
        at = NOON + timedelta(days=day)
        request = a_request(source, target, amount_minor=9_000)
        assert transfer_funds(request, actor=PROGRAM, at=at).payment.is_processed()


def test_an_opening_balance_above_the_threshold_waits_for_approval() -> None:
    account = opened("rich", balance=10_001)
    assert account.balance == 0
    (payment,) = [each for each in Payment.scan() if each.status == PaymentStatus.PENDING]
    assert (payment.to_account_id, payment.amount) == (account.id, 10_001)
    assert opened("rich", balance=10_001).id == account.id
    approved(payment)
    assert now(account).balance == 10_001
    assert check_bank().faults == []


def test_the_maker_cannot_approve_or_reject_whatever_they_have_become() -> None:
    payment = pending(*accounts())
    with pytest.raises(SamePerson):
        approved(payment, actor=TELLER)
    with pytest.raises(SamePerson):
        reject_payment(payment_id=payment.id, reason="no", actor=TELLER, at=NOON)
    refused = trail.chain_page(f"person:{TELLER.id}", person="").rows[0]
    assert (refused.action, refused.reference) == ("approval.refused", payment.id)
    kept = queries.get_payment(payment.id)
    assert kept is not None
    assert kept.can_cancel()


def test_that_they_differ_is_a_condition_of_the_write_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = accounts()
    payment = pending(source, target)
    looks_like_another = payment.with_changes({"requested_by": "teller2"})
    monkeypatch.setattr(approvals, "find_pending", lambda _: looks_like_another)
    with pytest.raises(SamePerson):
        approved(looks_like_another, actor=TELLER)
    assert now(target).balance == 0


def test_that_it_is_pending_is_a_condition_of_the_write_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = accounts()
    payment = pending(source, target)
    planted(payment.with_changes({"status": PaymentStatus.CANCELED}))
    monkeypatch.setattr(approvals, "find_pending", lambda _: payment)
    with pytest.raises(NotPending):
        approved(payment)
    assert now(target).balance == 0


@pytest.mark.parametrize("end", [0, 1])
def test_the_state_of_both_accounts_is_a_condition_of_the_write_itself(
    end: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = accounts()
    payment = pending(*ends)
    source, target = now(ends[0]), now(ends[1])
    planted((source, target)[end].with_changes({"status": AccountStatus.CLOSED}))
    read = {"payment": payment, "source": source, "target": target}
    monkeypatch.setattr(directory, "read", lambda *_, **__: read)
    with pytest.raises((SourceNotActive, DestinationNotActive)):
        approved(payment)


def test_an_approval_is_bound_to_what_was_shown() -> None:
    payment = pending(*accounts())
    other = payment.with_changes({"amount": 1})
    with pytest.raises(RequestChanged):
        approve_payment(payment_id=payment.id, shown=digest(other), actor=SUPERVISOR, at=NOON)


def test_what_prevents_the_posting_leaves_it_pending_with_the_reason() -> None:
    source, target = accounts()
    payment = pending(source, target)
    lifecycle.freeze_account(
        account_id=source.id,
        direction=FrozenDirection.DEBITS,
        reason="court order",
        until=None,
        actor=SUPERVISOR,
        at=NOON,
    )
    with pytest.raises(SourceNotActive):
        approved(payment)
    kept = queries.get_payment(payment.id)
    assert kept is not None
    assert kept.can_cancel()
    assert now(source).held == 20_000
    refused = trail.chain_page(f"person:{SUPERVISOR.id}", person="").rows[0]
    assert refused.reference == payment.id


@pytest.mark.parametrize("how", ["rejected", "canceled", "expired"])
def test_a_request_that_comes_to_nothing_gives_its_money_back_and_stays(how: str) -> None:
    source, target = accounts()
    payment = pending(source, target)
    if how == "rejected":
        reject_payment(payment_id=payment.id, reason="who is this?", actor=SUPERVISOR, at=NOON)
    elif how == "canceled":
        cancel_payment(payment_id=payment.id, reason="mistyped", actor=TELLER, at=NOON)
    else:
        expire_payment(payment_id=payment.id, at=NOON)
    after = now(source)
    assert (after.balance, after.held) == (90_000, 0)
    kept = queries.get_payment(payment.id)
    assert kept is not None
    assert kept.failure_code == how
    assert kept.failure_reason
    assert trail.chain_page(payment.id, person="").rows[0].action == f"payment.{how}"
    with pytest.raises(NotPending):
        approved(payment)
    assert now(target).balance == 0
    assert check_bank().faults == []


@pytest.mark.parametrize("decide", [reject_payment, cancel_payment])
def test_the_same_end_again_is_one_end_and_another_s_is_told_who_was_faster(decide: Any) -> None:
    source, target = accounts()
    payment = pending(source, target)
    end = {"payment_id": payment.id, "actor": SUPERVISOR, "at": NOON}
    first, again = decide(**end, reason="no"), decide(**end, reason="no")
    assert (again.status, again.version) == (first.status, first.version)
    for other in ({"reason": "other words"}, {"reason": "no", "actor": Actor(id="supervisor9")}):
        with pytest.raises(NotPending):
            decide(**end | other)
    assert len(trail.chain_page(payment.id, person="").rows) == 2
    assert now(source).held == 0


def test_a_request_nobody_decides_expires_and_cannot_be_approved_afterwards() -> None:
    source, target = accounts()
    payment = pending(source, target)
    assert settle_due(at=NOON + timedelta(hours=23)) == {}
    with pytest.raises(NotPending, match="expired"):
        approved(payment, hours=24)
    assert settle_due(at=NOON + timedelta(hours=24)) == {"expired": 1}
    assert settle_due(at=NOON + timedelta(hours=25)) == {}
    assert now(source).held == 0


def test_a_scheduled_transfer_is_decided_on_its_day() -> None:
    source, target = accounts()
    small = transferred(source, target, amount_minor=500, scheduled_for="2026-03-05").payment
    large = transferred(source, target, amount_minor=20_000, scheduled_for="2026-03-05").payment
    poor = transferred(source, target, amount_minor=95_000, scheduled_for="2026-03-05").payment
    assert {small.status, large.status, poor.status} == {PaymentStatus.PENDING}
    assert now(source).held == 0
    assert settle_due(at=NOON + timedelta(days=2)) == {}
    done = settle_due(at=NOON + timedelta(days=3))
    assert done == {"processed": 1, "pending": 1, "failed": 1}
    assert (now(source).balance, now(source).held) == (89_500, 20_000)
    assert settle_due(at=NOON + timedelta(days=3)) == {}
    (waiting,) = [each for each in Payment.scan() if each.can_cancel()]
    assert waiting.id == large.id
    approved(waiting, hours=73)
    assert check_bank().faults == []


def test_what_is_not_held_is_never_freed() -> None:
    source, target = accounts()
    payment = pending(source, target)
    planted(now(source).with_changes({"held": 19_999}))
    with pytest.raises(ledger.UnbalancedError):
        approved(payment)
    with pytest.raises(ledger.UnbalancedError):
        reject_payment(payment_id=payment.id, reason="no", actor=SUPERVISOR, at=NOON)


@pytest.mark.parametrize("name", ["amount", "description", "reserved", "triggers", "expires_at"])
def test_the_digest_covers_what_the_checker_is_shown(name: str) -> None:
    payment = pending(*accounts())
    other: dict[str, Any] = {
        "description": "other", "triggers": ["other"], "expires_at": NOON,
    }  # fmt: skip
    assert digest(payment.with_changes({name: other.get(name, 1)})) != digest(payment)


def test_a_scheduled_transfer_is_not_approved_before_its_day() -> None:
    payment = transferred(*accounts(), amount_minor=20_000, scheduled_for="2026-03-05").payment
    with pytest.raises(NotPending, match="2026-03-05"):
        approved(payment)


def test_a_scheduled_transfer_asked_for_again_after_its_day_is_the_same() -> None:
    source, target = accounts()
    request = a_request(source, target, amount_minor=500, scheduled_for="2026-03-03")
    later = NOON + timedelta(days=1)
    with pytest.raises(InvalidField, match="tomorrow"):
        transfer_funds(request, actor=TELLER, at=later)
    first = transfer_funds(request, actor=TELLER, at=NOON)
    again = transfer_funds(request, actor=TELLER, at=later)
    assert (again.payment.id, again.is_replay) == (first.payment.id, True)


def test_a_scheduled_payment_fails_if_its_account_is_closed_before_the_day() -> None:
    source, target = accounts()
    payment = transferred(source, target, amount_minor=500, scheduled_for="2026-03-05").payment
    lifecycle.close_account(account_id=target.id, reason="moved away", actor=SUPERVISOR, at=NOON)
    assert settle_due(at=NOON + timedelta(days=3)) == {"failed": 1}
    kept = queries.get_payment(payment.id)
    assert kept is not None
    assert kept.failure_code == "destination_not_active"
    assert now(source).balance == 90_000


@pytest.mark.integration
def test_settling_twice_at_once_settles_once(
    local_store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())
    source, target = accounts()
    for _ in range(4):
        pending(source, target, amount_minor=15_000)
        transferred(source, target, amount_minor=100, scheduled_for="2026-03-05")
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: settle_due(at=NOON + timedelta(days=3)), range(4)))
    done = sum(counts, Counter())
    assert (done["expired"], done["processed"]) == (4, 4)
    assert done.keys() <= {"expired", "processed", "already_settled"}
    assert (now(source).balance, now(source).held) == (89_600, 0)
    assert check_bank().faults == []


def test_what_others_settle_between_two_reads_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payment = pending(*accounts())

    @contextmanager
    def turn_after_others(*_: Any) -> Iterator[None]:
        monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())
        approvals.expire_payment(payment_id=payment.id, at=NOON + timedelta(days=3))
        yield

    monkeypatch.setattr(turns, "turn", turn_after_others)
    with pytest.raises(NotPending):
        approved(payment)
    assert check_bank().faults == []


@pytest.mark.parametrize("decide", [cancel_payment, reject_payment])
def test_a_transfer_that_comes_due_while_it_is_ended_gives_its_money_back(
    decide: Callable[..., Payment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())
    source, target = accounts()
    kept = transferred(source, target, amount_minor=20_000, scheduled_for="2026-03-05").payment

    def come_due(_: Any, send: Any) -> Any:
        assert settle_due(at=NOON + timedelta(days=3)) == {"pending": 1}
        return send()

    actor = TELLER if decide is cancel_payment else SUPERVISOR
    with faults(passing, passing, come_due):
        ended = decide(payment_id=kept.id, reason="stop", actor=actor, at=NOON)
    assert not ended.can_cancel()
    assert not ended.reserved
    assert (now(source).balance, now(source).held) == (90_000, 0)
    assert check_bank().faults == []


@pytest.mark.parametrize(
    "damage",
    [{"expires_at": {"S": "yesterday"}}, {"amount": {"S": "x"}}, {"reserved": {"N": "60000"}}],
    ids=str,
)
def test_what_is_damaged_keeps_nothing_else_from_being_settled(damage: dict[str, Any]) -> None:
    source, target = accounts()
    waiting = [pending(source, target, amount_minor=15_000) for _ in range(3)]
    item = {**waiting[1].serialize(), **damage}
    client.call("PutItem", TableName=Payment.table_name(), Item=item)
    damaged = Account(id=target.id, account_number=target.account_number)
    item = {**damaged.with_changes(now(target).attribute_values).serialize(),
            "status": {"S": "frozen"}, "held": {"S": "x"}}  # fmt: skip
    client.call("PutItem", TableName=Account.table_name(), Item=item)
    assert settle_due(at=NOON + timedelta(days=3)) == {"damaged": 4}
    client.call("PutItem", TableName=Account.table_name(), Item=target.serialize())
    assert settle_due(at=NOON + timedelta(days=3)) == {"expired": 2, "damaged": 1}
    assert now(source).held == 15_000


def test_a_payment_that_is_not_there_cannot_be_decided() -> None:
    with pytest.raises(PaymentNotFound):
        reject_payment(payment_id="nonsense", reason="x", actor=SUPERVISOR, at=NOON)


def test_two_pending_requests_cannot_spend_the_same_money() -> None:
    source, target = accounts()
    first = pending(source, target, amount_minor=50_000)
    assert transferred(source, target, amount_minor=50_000).payment.failure_code == (
        "insufficient_funds"
    )
    approved(first)
    assert now(source).balance == 40_000


@pytest.mark.integration
def test_fifty_parallel_approvals_post_once_and_a_cancellation_beside_them_wins_or_loses(
    local_store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())
    source, target = accounts()
    once, contested = pending(source, target), pending(source, target)
    supervisors = [Actor(id=f"supervisor{number}") for number in range(50)]

    def approve(payment: Payment, actor: Actor) -> str:
        try:
            return str(approved(payment, actor=actor).approved_by)
        except Refusal as refusal:
            return refusal.code

    def cancel(_: Actor) -> str:
        try:
            cancel_payment(payment_id=contested.id, reason="stop", actor=TELLER, at=NOON)
        except Refusal as refusal:
            return refusal.code
        return "canceled"

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda who: approve(once, who), supervisors))
        racing = [pool.submit(approve, contested, supervisors[0]), pool.submit(cancel, TELLER)]
        both = [each.result() for each in racing]
    assert len([answer for answer in answers if answer.startswith("supervisor")]) == 1
    assert answers.count("not_pending") == 49
    assert sorted(both).count("not_pending") == 1
    assert check_bank().faults == []
