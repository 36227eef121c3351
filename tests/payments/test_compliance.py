"""What is noticed as money moves: which payments count, how often a cause is told, at what cost."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from audit import queries as trail
from audit.context import Actor
from audit.replay import verify_record
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.scans import plain_item
from dynamodb.transactions import Transaction, commit
from payments import directory, policy
from payments.accounts import clearing_account
from payments.alerts.records import Alert, Rule
from payments.alerts.services import WATCH, Finding, raise_alert
from payments.approvals import approve_payment, digest
from payments.lifecycle import close_account
from payments.models import Account, Activity, PaymentStatus
from payments.transfers import new_payment_id, run_scheduled, transfer_funds
from tests.bank import check_bank
from tests.builders import NOON, PROGRAM, TELLER, a_request, opened, transferred
from tests.payments.banks import raw
from tests.stores import NO_FOUR_EYES

LARGE = 1_000_000
CHECKER = Actor(id="supervisor1")
SECOND = timedelta(seconds=1)
LATER = NOON + timedelta(hours=1)


def rich(name: str = "a", customer: str = "c", currency: str = "USD") -> Account:
    """An account with money enough, got in a time when nothing was large."""
    policy.configure(replace(NO_FOUR_EYES, large_transaction_threshold=10**15))
    account = opened(name, customer_id=customer, currency=currency, balance=100 * LARGE)
    policy.configure(NO_FOUR_EYES)
    return account


def raised(rule: Rule = Rule.LARGE_TRANSACTION) -> list[tuple[str, int | None]]:
    """Customer and amount of the alerts of a rule."""
    found = (alert for alert in Alert.scan() if alert.rule == rule)
    return sorted((alert.customer_id, alert.amount) for alert in found)


def activity(customer: str = "c") -> Activity | None:
    return store.get(Activity(subject=f"customer:{customer}"))


@pytest.mark.usefixtures("moto_store")
class TestLarge:
    def test_a_large_payment_brings_its_alert_in_the_same_commit(self) -> None:
        source, target = rich(), opened("b")
        with count_requests() as seen:
            payment = transferred(source, target, amount_minor=LARGE).payment
        assert seen.operations == ["BatchGetItem", "TransactWriteItems"]
        alert = next(iter(Alert.scan()))
        assert (alert.rule, alert.status, alert.customer_id) == ("large_transaction", "open", "c")
        assert (alert.amount, alert.currency, alert.payments) == (LARGE, "USD", [payment.id])
        assert (alert.created_at, alert.due_at) == (NOON, NOON + timedelta(days=30))
        assert list(verify_record(Alert, plain_item(raw(alert)))) == []
        (entry,) = trail.chain_page(alert.id, person="a test").rows
        assert (entry.action, entry.user_id) == ("alert.raised", WATCH.id)

    def test_one_minor_unit_less_brings_none(self) -> None:
        transferred(rich(), opened("b"), amount_minor=LARGE - 1)
        assert raised() == []

    @pytest.mark.parametrize(("currency", "line"), [("JPY", 10_000), ("KWD", 10_000_000)])
    def test_the_line_is_in_the_currencys_own_units(self, currency: str, line: int) -> None:
        source, target = rich(currency=currency), opened("b", currency=currency)
        transferred(source, target, amount_minor=line - 1, currency=currency)
        assert raised() == []
        transferred(source, target, amount_minor=line, currency=currency)
        assert raised() == [("c", line)]

    def test_the_sum_of_a_day_counts_over_all_accounts_of_a_customer_and_is_told_once(self) -> None:
        sources, target = [rich("a"), rich("a2")], opened("b")
        for number in range(5):
            transferred(sources[number % 2], target, amount_minor=300_000)
        assert raised() == [("c", 1_200_000)]
        transferred(sources[0], target, amount_minor=LARGE)
        assert raised() == [("c", LARGE), ("c", 1_200_000)]
        transferred(sources[0], target, at=NOON + timedelta(days=1), amount_minor=300_000)
        assert len(raised()) == 2

    def test_currencies_and_customers_are_never_summed_together(self) -> None:
        for name, customer, currency in (("a", "c", "USD"), ("b", "d", "USD"), ("e", "c", "EUR")):
            source, target = rich(name, customer, currency), opened(f"to-{name}", currency=currency)
            transferred(source, target, amount_minor=700_000, currency=currency)
        assert raised() == []

    def test_what_a_customer_receives_counts_where_the_house_pays(self) -> None:
        target = opened("a", customer_id="c", balance=600_000)
        transferred(target, opened("b"), amount_minor=600_000)
        assert raised() == []
        transferred(clearing_account("USD", at=NOON), target, amount_minor=400_000)
        assert raised() == [("c", LARGE)]
        assert activity("clearing") is None
        assert raised(Rule.SUSPICIOUS_VELOCITY) == []

    def test_the_same_request_again_tells_nothing_again(self) -> None:
        request = a_request(rich(), opened("b"), amount_minor=LARGE)
        transfer_funds(request, actor=TELLER, at=NOON)
        assert transfer_funds(request, actor=TELLER, at=NOON).is_replay
        assert len(raised()) == 1

    def test_a_refused_payment_counts_for_nothing(self) -> None:
        source, target = opened("a", customer_id="c"), opened("b")
        transferred(source, target, amount_minor=LARGE)
        assert raised() == []
        assert activity() is None

    def test_an_alert_in_the_way_never_stops_a_payment(self) -> None:
        source, target = rich(), opened("b")
        request = a_request(source, target, amount_minor=LARGE)
        tx = Transaction(at=NOON)
        finding = Finding(
            rule=Rule.LARGE_TRANSACTION,
            cause=request.payment_id,
            customer_id="c",
            since="2026-03-02",
            until="2026-03-02",
        )
        raise_alert(tx, "alert", finding)
        commit(tx.freeze())
        assert transfer_funds(request, actor=TELLER, at=NOON).payment.is_processed()
        assert len(raised()) == 1

    def test_an_owner_that_this_process_does_not_know_yet_is_found_with_the_account(self) -> None:
        source, target = rich(), opened("b")
        transferred(source, target, amount_minor=600_000)
        directory._numbers.clear()
        with count_requests() as seen:
            transferred(source, target, amount_minor=600_000)
        assert seen.operations == ["Query", "Query", "BatchGetItem", "TransactWriteItems"]
        assert raised() == [("c", 1_200_000)]


@pytest.mark.usefixtures("moto_store")
class TestWhichCount:
    def test_one_that_waits_counts_once_it_is_approved(self) -> None:
        source, target = rich(), opened("b")
        policy.configure(policy.Policy())
        pending = transferred(source, target, amount_minor=LARGE + 1).payment
        assert (pending.status, raised()) == (PaymentStatus.PENDING, [])
        shown = digest(pending)
        approve_payment(payment_id=pending.id, shown=shown, actor=CHECKER, at=LATER)
        assert raised() == [("c", LARGE + 1)]

    def test_a_scheduled_one_counts_on_its_day(self) -> None:
        day = NOON + timedelta(days=3)
        payment = transferred(
            rich(), opened("b"), amount_minor=LARGE, scheduled_for=day.date().isoformat()
        ).payment
        assert raised() == []
        run_scheduled(payment, at=day)
        assert raised() == [("c", LARGE)]
        assert next(iter(Alert.scan())).since == "2026-03-05"

    def test_an_opening_deposit_and_the_rest_of_a_closed_account_count(self) -> None:
        source, target = opened("a", customer_id="c", balance=LARGE), opened("b")
        assert raised() == [("c", LARGE)]
        close_account(
            account_id=source.id,
            reason="Moved away",
            actor=PROGRAM,
            at=NOON,
            rest_to=target.id,
            payment_id=new_payment_id(NOON),
        )
        assert raised() == [("c", LARGE), ("c", LARGE)]

    def test_a_reversal_neither_counts_nor_takes_away(self) -> None:
        source, target = rich(), opened("b", customer_id="d")
        payment = transferred(source, target, amount_minor=900_000).payment
        transferred(target, source, amount_minor=900_000, reverses=payment.id)
        assert activity("d") is None
        transferred(source, target, amount_minor=100_000)
        assert raised() == [("c", LARGE)]

    def test_payments_approved_or_due_together_set_no_pace(self) -> None:
        source, target = rich(), opened("b")
        policy.configure(policy.Policy(approval_threshold=0, large_transaction_threshold=10**15))
        for _ in range(6):
            pending = transferred(source, target).payment
            shown = digest(pending)
            approve_payment(payment_id=pending.id, shown=shown, actor=CHECKER, at=LATER)
        assert raised(Rule.SUSPICIOUS_VELOCITY) == []


@pytest.mark.usefixtures("moto_store")
class TestPace:
    def paid(self, *seconds: float) -> list[str]:
        """The ids of payments so many seconds after noon."""
        source, target = rich(), opened("b")
        times = [NOON + second * SECOND for second in seconds]
        return [transferred(source, target, at=at).payment.id for at in times]

    def test_the_fifth_payment_within_a_minute_tells_of_all_five(self) -> None:
        ids = self.paid(0, 20, 40, 50, 60)
        (alert,) = Alert.scan()
        assert (alert.rule, alert.payment_count) == ("suspicious_velocity", 5)
        assert alert.payments == ids

    def test_the_fifth_a_moment_later_does_not(self) -> None:
        self.paid(0, 20, 40, 50, 60.000001)
        assert list(Alert.scan()) == []

    def test_a_burst_is_told_once_and_the_next_one_again(self) -> None:
        self.paid(0, 1, 2, 3, 4, 5, 30, 60, 100, 150)
        assert len(raised(Rule.SUSPICIOUS_VELOCITY)) == 1
        self.paid(500, 501, 502, 503, 504)
        assert len(raised(Rule.SUSPICIOUS_VELOCITY)) == 2

    def test_the_number_is_a_setting(self) -> None:
        source, target = rich(), opened("b")
        policy.configure(replace(NO_FOUR_EYES, suspicious_velocity_threshold=2))
        for second in range(3):
            transferred(source, target, at=NOON + second * SECOND)
        assert [alert.payment_count for alert in Alert.scan()] == [2]

    def test_a_record_stays_small_at_any_pace(self) -> None:
        self.paid(*range(30))
        found = activity()
        assert found is not None
        assert len(found.recent or []) < 5


@pytest.mark.integration
def test_payments_at_once_from_several_accounts_make_one_sum_and_one_alert(
    local_store: None,
) -> None:
    sources, target = [rich(f"a{number}") for number in range(4)], opened("b")

    def pay(number: int) -> None:
        transferred(sources[number % 4], target, actor=PROGRAM, amount_minor=50_000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pay, range(40)))
    found = activity()
    assert found is not None
    assert found.sums == {"received USD": 400 * LARGE, "USD": 2_000_000}
    assert raised() == [("c", LARGE)]
    assert len(raised(Rule.SUSPICIOUS_VELOCITY)) == 1
    assert check_bank().faults == []


@pytest.mark.usefixtures("moto_store")
def test_neither_payment_nor_accounts_nor_maker_show_that_there_is_an_alert() -> None:
    """The same payment with and without an alert leaves the same of everything else."""

    def left(threshold: int, name: str) -> list[object]:
        source, target = rich(name, f"customer {name}"), opened(f"to {name}")
        policy.configure(replace(NO_FOUR_EYES, large_transaction_threshold=threshold))
        maker = Actor(id=f"maker {name}")
        payment = transferred(source, target, actor=maker, amount_minor=LARGE).payment
        entities = (source.id, target.id, payment.id)
        chains = [trail.chain_page(each, person="x").rows for each in entities]
        told = [(entry.seq, entry.action, entry.changes) for rows in chains for entry in rows]
        mine = sorted((entry.action, entry.seq) for entry in trail.recent(user_id=maker.id))
        return [told, mine, sorted(payment.attribute_values)]

    assert left(LARGE, "a") == left(LARGE + 1, "b")
    assert len(raised()) == 1
