"""Opening accounts on a store."""

from typing import Any

import pytest

from audit import queries as trail
from audit.models import EntryOutcome
from dynamodb.client import count_requests
from payments import identifiers, queries
from payments.accounts import clearing_account, open_account
from payments.models import AccountStatus, AccountType
from payments.money import MAX_AMOUNT_MINOR, MAX_BALANCE_MINOR
from payments.refusals import (
    InvalidAmount,
    InvalidField,
    KeyReused,
    LimitExceeded,
    MissingField,
    SourceNotActive,
    UnknownCurrency,
)
from payments.requests import OpeningRequest
from tests.builders import NOON, TELLER, opened, planted

pytestmark = pytest.mark.usefixtures("moto_store")


def an_opening(**values: str | int) -> OpeningRequest:
    defaults: dict[str, Any] = {
        "request_id": "request-1",
        "customer_id": "customer-1",
        "account_type": "checking",
        "currency": "USD",
    }
    return OpeningRequest(**(defaults | values))


def test_an_account_begins_empty_with_the_first_entry_of_its_chain() -> None:
    account = opened("a")
    assert (account.balance, account.version, account.audit_seq) == (0, 1, 1)
    (entry,) = trail.chain_page(account.id, person="").rows
    assert (entry.action, entry.user_id) == ("account.opened", TELLER.id)


@pytest.mark.parametrize(("currency", "minor"), [("USD", 5000), ("JPY", 5000), ("KWD", 5)])
def test_an_opening_balance_comes_from_clearing_so_that_the_currency_sums_to_zero(
    currency: str, minor: int
) -> None:
    account = opened("a", balance=minor, currency=currency)
    clearing = clearing_account(currency, at=NOON)
    assert (account.balance, clearing.balance) == (minor, -minor)
    (entry,) = trail.chain_page(account.id, person="").rows
    assert entry.new_values is not None
    assert entry.new_values["balance"] == minor
    payment = queries.get_payment(entry.reference or "")
    assert payment is not None
    assert (payment.amount, payment.from_account_id, payment.to_account_id) == (
        minor, clearing.id, account.id,
    )  # fmt: skip
    assert trail.chain_page(clearing.id, person="").rows[0].reference == payment.id


def test_opening_twice_is_one_account_and_moves_money_once() -> None:
    request = an_opening(opening_balance_minor=700)
    first = open_account(request, actor=TELLER, at=NOON)
    second = open_account(request, actor=TELLER, at=NOON)
    assert (first.is_replay, second.is_replay) == (False, True)
    assert first.account.id == second.account.id
    assert clearing_account("USD", at=NOON).balance == -700


def test_the_same_request_id_with_other_values_is_refused_and_recorded() -> None:
    first = open_account(an_opening(), actor=TELLER, at=NOON).account
    with pytest.raises(KeyReused):
        open_account(an_opening(currency="EUR"), actor=TELLER, at=NOON)
    (entry, *_) = trail.chain_page(f"person:{TELLER.id}", person="").rows
    assert (entry.action, entry.reference) == ("account.refused", first.id)
    assert len(queries.list_accounts(person="p", customer_id="customer-1").rows) == 1


def test_a_number_that_is_taken_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = identifiers.draw
    monkeypatch.setattr(
        identifiers,
        "draw",
        lambda seed, attempt=0: draw(seed if attempt else "always", attempt),
    )
    first, second = opened("a", balance=5), opened("b", balance=6)
    assert first.account_number != second.account_number
    assert [a.balance for a in queries.get_accounts(first.id, second.id) if a] == [5, 6]
    again = opened("b", balance=6)
    assert again.id == second.id
    assert clearing_account("USD", at=NOON).balance == -11


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"customer_id": ""}, MissingField),
        ({"customer_id": "clearing"}, InvalidField),
        ({"customer_id": " spaced"}, InvalidField),
        ({"customer_id": "x" * 65}, InvalidField),
        ({"account_type": "system"}, InvalidField),
        ({"account_type": "other"}, InvalidField),
        ({"currency": "XXX"}, UnknownCurrency),
        ({"currency": ""}, MissingField),
        ({"currency": "\udcff"}, InvalidField),
        ({"request_id": "x" * 129}, InvalidField),
        ({"opening_balance_minor": -1}, InvalidAmount),
        ({"opening_balance_minor": MAX_AMOUNT_MINOR + 1}, InvalidAmount),
    ],
)
def test_malformed_openings_are_refused_and_recorded(
    values: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        open_account(an_opening(**values), actor=TELLER, at=NOON)
    assert trail.chain_page(f"person:{TELLER.id}", person="").rows
    assert not queries.list_accounts(person="p").rows


@pytest.mark.parametrize(
    ("clearing_values", "refusal"),
    [
        ({"status": AccountStatus.FROZEN}, SourceNotActive),
        ({"balance": -MAX_BALANCE_MINOR}, LimitExceeded),
    ],
)
def test_an_opening_balance_that_clearing_may_not_pay_is_refused_and_recorded(
    clearing_values: dict[str, Any], refusal: type[Exception]
) -> None:
    earlier = opened("a", balance=5)
    planted(clearing_account("USD", at=NOON).with_changes(clearing_values))
    with pytest.raises(refusal):
        opened("b", balance=1)
    assert [a.id for a in queries.list_accounts(person="p", account_type="checking").rows] == [
        earlier.id
    ]
    (entry,) = trail.chain_page(f"person:{TELLER.id}", person="").rows
    assert (entry.action, entry.outcome) == ("account.refused", EntryOutcome.FAILURE)
    assert opened("a", balance=5).id == earlier.id
    assert opened("c").balance == 0


def test_accounts_are_found_by_id_number_customer_status_and_type() -> None:
    checking = opened("a", customer_id="c")
    savings = opened("b", customer_id="c", account_type=AccountType.SAVINGS)

    def ids(**wanted: Any) -> list[str]:
        return [row.id for row in queries.list_accounts(person="p", **wanted).rows]

    for name in (checking.account_number, checking.id):
        found = queries.get_account(name)
        assert found is not None
        assert found.serialize() == checking.serialize()
    assert queries.get_account("acc_nonsense") is None
    assert set(ids(customer_id="c")) == {checking.id, savings.id}
    assert ids(customer_id="c", account_type="savings") == [savings.id]
    assert ids(account_type="checking") == [checking.id]
    assert set(ids()) == {checking.id, savings.id}
    assert ids(status="frozen") == []


def test_requests_for_opening_with_money_are_two() -> None:
    opened("first", balance=1)
    with count_requests() as seen:
        opened("second", balance=1)
    assert seen.operations == ["BatchGetItem", "TransactWriteItems"]
