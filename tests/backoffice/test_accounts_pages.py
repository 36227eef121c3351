"""Accounts as staff see and open them."""

from html import escape
from typing import Any

import pytest
from django.test import Client

from backoffice.permissions import Role
from dynamodb.client import count_requests
from payments import policy, queries
from payments.identifiers import with_check_digits
from payments.models import Account, AccountStatus, AccountType
from payments.policy import Policy
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import errors, fresh, hidden, text
from tests.backoffice.people import chain
from tests.builders import NOON, an_account, opened, planted, transferred
from tests.dynamodb.faults import faults, passing, refusal, unreachable

LIST = "/admin/accounts/"
NEW = "/admin/accounts/new/"
UNUSED = with_check_digits(10**9)
MISTYPED = f"{UNUSED[:-1]}{(int(UNUSED[-1]) + 1) % 10}"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def teller(signed_in: SignIn) -> Client:
    return signed_in(Role.TELLER)


def listed(answer: Any, *accounts: Account) -> list[bool]:
    return [account.account_number in text(answer) for account in accounts]


def many(count: int, **values: Any) -> list[Account]:
    """Accounts put where they are, without their entries."""
    accounts = [an_account(number, created_at=NOON, **values) for number in range(count)]
    for account in accounts:
        planted(account)
    return accounts


def links(answer: Any) -> dict[str, str]:
    """Addresses of a list's further pages by what their button says."""
    pages = text(answer).partition('class="pages"')[2].partition("</nav>")[0]
    found = {}
    for link in pages.split("<a ")[1:]:
        address = link.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
        found[link.partition(">")[2].partition("<")[0].strip()] = address
    return found


def test_the_list_begins_with_active_accounts_and_can_be_filtered(teller: Client) -> None:
    usual = opened("a", balance=123_456)
    frozen = an_account(2, status=AccountStatus.FROZEN, account_type=AccountType.SAVINGS)
    planted(frozen)
    accounts = (usual, frozen)

    first = teller.get(LIST)
    assert listed(first, *accounts) == [True, False]
    assert "1,234.56 USD" in text(first)
    assert "Active accounts" in text(first)
    for filters, expected in (
        ({"status": "frozen"}, [False, True]),
        ({"status": "frozen", "account_type": "checking"}, [False, False]),
        ({"account_type": "checking"}, [True, False]),
        ({"customer_id": frozen.customer_id}, [False, True]),
        ({"customer_id": frozen.customer_id, "status": "active"}, [False, False]),
        ({"account_number": frozen.account_number}, [False, True]),
        ({"account_number": usual.account_number, "status": "active"}, [True, False]),
    ):
        assert listed(teller.get(LIST, filters), *accounts) == expected, filters


def test_fifty_a_page_and_the_filters_stay_in_the_way_on(teller: Client) -> None:
    accounts = many(53, customer_id="c & o")
    first = teller.get(LIST, {"customer_id": "c & o"})
    assert sum(listed(first, *accounts)) == 50
    assert list(links(first)) == ["Next", "To the end"]
    second, last = (teller.get(links(first)[label]) for label in ("Next", "To the end"))
    assert sum(listed(second, *accounts)) == 3
    assert list(links(last)) == ["Back to the start", "Previous"]
    assert sum(listed(last, *accounts)) == 50
    assert all(listed(last, each) for each in accounts if listed(second, each) == [True])
    assert list(links(second)) == ["Back to the start", "Previous"]
    assert sum(listed(teller.get(links(second)["Back to the start"]), *accounts)) == 50
    shown = [listed(first, account) != listed(second, account) for account in accounts]
    assert all(shown)


def test_a_cursor_of_another_list_or_touched_is_a_clear_400(teller: Client) -> None:
    many(53, customer_id="c")
    address = links(teller.get(LIST, {"customer_id": "c"}))["Next"]
    for wrong in (address.replace("customer_id=c", "customer_id=d"), address + "x"):
        assert teller.get(wrong).status_code == 400


@pytest.mark.parametrize(
    ("filters", "operations"),
    [
        ({}, ["Query", "BatchGetItem"]),
        ({"customer_id": "customer-a", "status": "active"}, ["Query", "BatchGetItem"]),
        ({"customer_id": "nobody"}, ["Query"]),
        ({"account_number": "number"}, ["BatchGetItem"]),
    ],
)
def test_a_list_costs_one_read_its_rows_and_one_write_if_narrowed(
    teller: Client, filters: dict[str, str], operations: list[str]
) -> None:
    number = opened("a").account_number
    with count_requests() as seen:
        teller.get(LIST, {name: value.replace("number", number) for name, value in filters.items()})
    noted = ["TransactWriteItems"] if filters else []
    assert seen.operations == ["BatchGetItem", *operations, *noted]


@pytest.mark.parametrize(
    ("filters", "why"),
    [
        ({}, "There are no such accounts yet."),
        ({"customer_id": "nobody"}, "This customer has no account that fits these filters."),
        ({"account_number": UNUSED}, "No account has this number"),
    ],
)
def test_an_empty_list_says_why(teller: Client, filters: dict[str, str], why: str) -> None:
    answer = teller.get(LIST, filters)
    assert answer.status_code == 200
    assert why in text(answer)


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"status": "gone"}, "status"),
        ({"account_type": HOSTILE}, "account_type"),
        ({"account_number": MISTYPED}, "account_number"),
        ({"account_number": "\uff11\uff12"}, "account_number"),
        ({"account_number": "1" * 1_000_000}, "account_number"),
        ({"customer_id": "c" * 65}, "customer_id"),
        ({"customer_id": "c\x00"}, "customer_id"),
    ],
)
def test_a_filter_that_cannot_be_is_said_and_reads_nothing(
    teller: Client, filters: dict[str, str], field: str
) -> None:
    with count_requests() as seen:
        answer = teller.get(LIST, filters)
    assert answer.status_code == 422
    assert list(errors(answer)) == [field]
    assert "Nothing was looked for." in text(answer)
    assert HOSTILE not in text(answer)
    assert seen.operations == ["BatchGetItem"]


def test_a_failed_read_never_looks_like_an_empty_list(teller: Client) -> None:
    with faults(passing, then=unreachable):
        answer = teller.get(LIST)
    assert answer.status_code == 503
    assert "could not be read" in text(answer)
    with faults(passing, then=refusal("ThrottlingException")):
        assert teller.get("/admin/accounts/lookup/", {"q": "somebody"}).status_code == 503


def test_an_account_shows_its_money_its_movements_and_its_timeline(teller: Client) -> None:
    source, target = opened("a", balance=500_000), opened("b")
    payment = transferred(source, target, amount_minor=12_345).payment
    source = queries.get_account(source.id) or source
    planted(source.with_changes({"held": 700}))
    address = f"/admin/accounts/{source.id}/"

    with count_requests() as seen:
        answer = teller.get(address)
    shown = ["Query", "Query", "BatchGetItem"]
    assert seen.operations == ["BatchGetItem", *shown, "TransactWriteItems"]
    for expected in (
        "4,876.55 USD", "4,869.55 USD", "7.00 USD", "-123.45 USD", "+5,000.00 USD",
        source.account_number, source.id, f'title="{source.id}"', "active",
        f'href="/admin/customers/{source.customer_id}/"', f'href="/admin/payments/{payment.id}/"',
        "account.opened", "account.debited", "Account opened", "Account debited",
        f"?from_account_id={source.account_number}",
    ):  # fmt: skip
        assert expected in text(answer), expected
    assert "+123.45 USD" in text(teller.get(f"/admin/accounts/{target.id}/"))


def test_an_account_without_movements_says_so(teller: Client) -> None:
    assert "No money has moved here." in text(teller.get(f"/admin/accounts/{opened('a').id}/"))


@pytest.mark.parametrize("account_id", ["nobody", "acc_", "%00", "x" * 3000, UNUSED])
def test_there_is_no_page_of_an_account_that_is_not(teller: Client, account_id: str) -> None:
    assert teller.get(f"/admin/accounts/{account_id}/").status_code == 404


def test_who_only_reads_is_not_offered_to_move_money(signed_in: SignIn) -> None:
    reader = signed_in(Role.COMPLIANCE)
    account = opened("a")
    for address in (LIST, f"/admin/accounts/{account.id}/"):
        answer = reader.get(address)
        assert account.account_number in text(answer)
        assert NEW not in text(answer)
        assert "/admin/transfers/new/" not in text(answer)


@pytest.mark.parametrize("role", [Role.COMPLIANCE, Role.ADMIN])
def test_who_may_not_open_accounts_is_refused(signed_in: SignIn, role: Role) -> None:
    outsider = signed_in(role, username="outsider")
    assert outsider.get(NEW).status_code == 403
    assert outsider.post(NEW, {"customer_id": "c"}).status_code == 403
    assert chain("person:outsider")[0].action == "access.refused"


def test_an_admin_sees_no_money(signed_in: SignIn) -> None:
    outsider = signed_in(Role.ADMIN)
    for address in (LIST, f"/admin/accounts/{opened('a').id}/", "/admin/accounts/lookup/?q=a"):
        assert outsider.get(address).status_code == 403


def fields(client: Client, **values: str) -> dict[str, str]:
    return {
        "customer_id": "customer-x",
        "account_type": "savings",
        "currency": "KWD",
        "opening_balance": "1,000.005",
        "request_id": values.get("request_id") or fresh(client, NEW, "request_id"),
        **values,
    }


def accounts_of(customer_id: str) -> list[Account]:
    return queries.list_accounts(person="", customer_id=customer_id).rows


def test_opening_twice_opens_once(teller: Client) -> None:
    sent = fields(teller)
    first, again = teller.post(NEW, sent), teller.post(NEW, sent)
    (account,) = accounts_of("customer-x")
    assert first.status_code == again.status_code == 302
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["Location"] == f"/admin/accounts/{account.id}/"
    assert (account.balance, account.currency, account.account_type) == (
        1_000_005, "KWD", AccountType.SAVINGS,
    )  # fmt: skip
    assert chain(account.id)[0].user_id == "someone"


def test_an_opening_balance_that_waits_is_said_with_its_payment(teller: Client) -> None:
    policy.configure(Policy(approval_threshold=10_000))
    sent = fields(teller, currency="USD", opening_balance="1,000.00")
    page = text(teller.post(NEW, sent, follow=True))
    (waiting,) = queries.list_pending(person="").rows
    assert "The opening balance waits for a supervisor" in page
    assert f"/admin/payments/{waiting.id}/" in page
    sent = fields(teller, currency="USD", opening_balance="1.00", customer_id="customer-y")
    assert "waits" not in text(teller.post(NEW, sent, follow=True))


def test_opening_without_money(teller: Client) -> None:
    assert teller.post(NEW, fields(teller, opening_balance="")).status_code == 302
    assert accounts_of("customer-x")[0].balance == 0


def test_the_same_id_with_other_values_is_refused_and_recorded(teller: Client) -> None:
    sent = fields(teller)
    teller.post(NEW, sent)
    answer = teller.post(NEW, sent | {"currency": "USD", "opening_balance": "1"})
    assert answer.status_code == 422
    assert "already sent with other values" in errors(answer)[""][0]
    assert hidden(answer, "request_id") != sent["request_id"]
    assert len(accounts_of("customer-x")) == 1
    values = chain("person:someone")[0].new_values
    assert values is not None
    assert values["code"] == "key_reused"


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"customer_id": ""}, "customer_id", "missing_field"),
        ({"customer_id": "clearing"}, "customer_id", "invalid_field"),
        ({"customer_id": HOSTILE + "\x07"}, "customer_id", "invalid_field"),
        ({"customer_id": "x" * 1_000_000}, "customer_id", "invalid_field"),
        ({"account_type": "system"}, "account_type", "invalid_field"),
        ({"account_type": HOSTILE * 10_000}, "account_type", "invalid_field"),
        ({"currency": "XAU"}, "currency", "unknown_currency"),
        ({"opening_balance": "1.0005"}, "opening_balance", "invalid_amount"),
        ({"opening_balance": "\uff11"}, "opening_balance", "invalid_amount"),
        ({"opening_balance": "-1"}, "opening_balance", "invalid_amount"),
        ({"opening_balance": "9" * 5000}, "opening_balance", "invalid_field"),
        ({"request_id": "mine"}, "", "invalid_field"),
    ],
)
def test_what_cannot_be_opened_is_refused_next_to_its_field_and_recorded(
    teller: Client, values: dict[str, str], field: str, code: str
) -> None:
    sent = fields(teller, **values)
    answer = teller.post(NEW, sent)
    assert answer.status_code == 422
    assert list(errors(answer)) == [field]
    assert hidden(answer, "request_id") != sent["request_id"]
    assert HOSTILE not in text(answer)
    for name in ("customer_id", "opening_balance"):
        assert f'value="{escape(sent[name])}"' in text(answer)
    entry = chain("person:someone")[0]
    assert (entry.action, (entry.new_values or {})["code"]) == ("account.refused", code)
    assert accounts_of(sent["customer_id"]) == []
