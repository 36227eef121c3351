"""Payments, customers and merchants as staff see them."""

from datetime import timedelta
from typing import Any

import pytest

from backoffice.permissions import Role
from dynamodb import client as store_client
from dynamodb import pages
from dynamodb.client import count_requests
from payments import directory
from payments.identifiers import new_payment_id, payment_timestamp
from payments.models import Payment, PaymentStatus
from tests.backoffice.conftest import SignIn
from tests.backoffice.people import chain
from tests.builders import NOON, opened, planted, transferred

HOSTILE = '<script>alert("x")</script>'


def a_payment(minute: int = 0, **values: Any) -> Payment:
    at = NOON + timedelta(minutes=minute)
    payment_id = new_payment_id(at)
    status = values.get("status", PaymentStatus.PROCESSED)
    defaults: dict[str, Any] = {
        "customer_id": "customer-1",
        "status": status,
        "status_key": str(status),
        "amount": 2500,
        "currency": "USD",
        "from_account_id": "acc_1",
        "to_account_id": "acc_2",
        "created_at": at,
        "version": 1,
    }
    timestamp = payment_timestamp(payment_id)
    return Payment(id=payment_id, timestamp=timestamp, **(defaults | values))


def stored(*payments: Payment) -> None:
    """Put payments where they are, without accounts and entries."""
    for payment in payments:
        planted(payment)


def many(count: int, **values: Any) -> list[Payment]:
    payments = [a_payment(minute, **values) for minute in range(count)]
    stored(*payments)
    return payments


def links(text: str, payments: list[Payment]) -> list[str]:
    """The payments that a page leads to, in its order."""
    shown = [payment.id for payment in payments if f'href="/admin/payments/{payment.id}/"' in text]
    return sorted(shown, key=text.index)


def next_page(answer: Any) -> str:
    url: str = answer.context["pager"].next_url
    return url


def test_the_first_view_is_processed_payments(signed_in: SignIn) -> None:
    source, target = opened("a", balance=10_000_00), opened("b")
    done = transferred(source, target, amount_minor=1_234_56, description="Rent").payment
    failed = transferred(target, source, amount_minor=99_999_99).payment
    answer = signed_in().get("/admin/payments/")
    assert links(answer.text, [done, failed]) == [done.id]
    for shown in ("1,234.56 USD", "processed", "Rent", "customer-a", f'title="{done.id}"'):
        assert shown in answer.text
    assert f'href="/admin/accounts/{source.id}/"' in answer.text


@pytest.mark.parametrize(
    "address", ["/admin/payments/", "/admin/customers/customer-a/", "/admin/merchants/shop/"]
)
def test_lists_name_accounts_by_the_numbers_people_know(signed_in: SignIn, address: str) -> None:
    source, target = opened("a", balance=10_00), opened("b")
    transferred(source, target, amount_minor=1_00, merchant_id="shop")
    answer = signed_in().get(address)
    for end in (source, target):
        code = f'<code title="{end.account_number}">{end.account_number}</code>'
        assert f'<a href="/admin/accounts/{end.id}/">{code}</a>' in answer.text


def test_a_payment_that_names_anothers_number_is_found_by_its_accounts_id(
    signed_in: SignIn,
) -> None:
    source, target, stranger = opened("a", balance=10_00), opened("b"), opened("c")
    payment = transferred(source, target, amount_minor=1_00).payment
    assert payment.ends == (source.account_number, target.account_number)
    planted(payment.with_changes({"to_number": stranger.account_number}))
    client = signed_in()
    listed, page = (client.get(f"/admin/payments/{each}").text for each in ("", f"{payment.id}/"))
    assert f'<code title="{target.id}">' in listed
    assert target.account_number in page
    assert stranger.account_number not in listed + page


def test_failed_payments_say_why(signed_in: SignIn) -> None:
    source, target = opened("a", balance=5_00), opened("b")
    failed = transferred(source, target).payment
    client = signed_in()
    for address in (
        "/admin/payments/?status=failed",
        "/admin/customers/customer-a/",
        f"/admin/payments/{failed.id}/",
    ):
        text = client.get(address).text
        assert "The source account has 5.00 USD available." in text
        assert "<code>insufficient_funds</code>" in text
        assert ">failed</span>" in text
        assert "/receipt/" not in text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("customer_id=customer-1", [3, 1, 0]),
        ("customer_id=customer-1&status=failed", [1]),
        ("customer_id=customer-1&merchant_id=shop", [3, 0]),
        ("merchant_id=shop", [3, 2, 0]),
        ("merchant_id=shop&status=processed", [2, 0]),
        ("status=failed", [1]),
        ("status=canceled", [3]),
        ("status=pending", []),
        ("", [2, 0]),
    ],
)
def test_filters_combine(signed_in: SignIn, query: str, expected: list[int]) -> None:
    payments = [
        a_payment(0, merchant_id="shop"),
        a_payment(1, status=PaymentStatus.FAILED, failure_reason="No.", failure_code="no"),
        a_payment(2, merchant_id="shop", customer_id="customer-2"),
        a_payment(3, merchant_id="shop", status=PaymentStatus.CANCELED),
    ]
    stored(*payments)
    answer = signed_in().get(f"/admin/payments/?{query}")
    assert answer.status_code == 200
    assert links(answer.text, payments) == [payments[place].id for place in expected]


@pytest.mark.parametrize(
    ("address", "operations"),
    [
        ("/admin/payments/", ["Query", "BatchGetItem"]),
        ("/admin/payments/?status=failed", ["Query"]),
        ("/admin/payments/?customer_id=customer-1&status=processed", ["Query"]),
        ("/admin/payments/?merchant_id=shop", ["Query"]),
        ("/admin/merchants/shop/", ["Query"]),
        ("/admin/customers/customer-1/", ["Query", "Query"]),
    ],
)
def test_a_list_costs_little(signed_in: SignIn, address: str, operations: list[str]) -> None:
    stored(*(a_payment(minute, merchant_id="shop") for minute in range(3)))
    client = signed_in()
    with count_requests() as seen:
        assert client.get(address).status_code == 200
    noted = [] if address == "/admin/payments/" else ["TransactWriteItems"]
    assert seen.operations == ["BatchGetItem", *operations, *noted]


def test_single_pages_cost_at_most_six(signed_in: SignIn) -> None:
    source, target = opened("a", balance=5_00), opened("b")
    payment = transferred(source, target, amount_minor=100).payment
    client = signed_in()
    for address in (f"/admin/payments/{payment.id}/", "/admin/customers/customer-a/"):
        directory._numbers.clear()
        with count_requests() as seen:
            assert client.get(address).status_code == 200
        assert len(seen) <= 6


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("status=lost", "Choose one of the list."),
        ("customer_id=" + "x" * 65, "at most 64 characters"),
        ("merchant_id=%00", "Null characters are not allowed."),
    ],
)
def test_a_malformed_filter_is_said_next_to_its_field(
    signed_in: SignIn, query: str, sentence: str
) -> None:
    payments = many(1)
    answer = signed_in().get(f"/admin/payments/?{query}")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert links(answer.text, payments) == []
    assert "No payment fits" not in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "/admin/payments/",
        "/admin/payments/?customer_id=customer-1&status=processed",
        "/admin/customers/customer-1/",
        "/admin/merchants/shop/",
    ],
)
def test_pages_neither_skip_nor_repeat(signed_in: SignIn, address: str) -> None:
    payments = many(51, merchant_id="shop")
    client = signed_in()
    first = client.get(address)
    second = client.get(next_page(first))
    found = links(first.text, payments) + links(second.text, payments)
    assert found == [payment.id for payment in reversed(payments)]
    assert next_page(second) == ""


def test_a_page_says_how_far_it_has_looked(
    signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "FILTERED_ROWS", 100)
    many(101)
    client = signed_in()
    address = "/admin/payments/?customer_id=customer-1&status=failed"
    first = client.get(address)
    assert "No payment found yet" in first.text
    assert "Looked through 100 rows" in first.text
    assert "No payment fits these filters." in client.get(next_page(first)).text


def test_a_cursor_serves_one_list_of_one_person(signed_in: SignIn) -> None:
    many(51, merchant_id="shop")
    client = signed_in()
    cursor = next_page(client.get("/admin/customers/customer-1/")).partition("?")[2]
    for browser, address, query in (
        (client, "/admin/customers/customer-1/", f"{cursor}x"),
        (client, "/admin/customers/customer-1/", "cursor=nonsense"),
        (client, "/admin/customers/customer-2/", cursor),
        (client, "/admin/merchants/shop/", cursor),
        (client, "/admin/payments/", cursor),
        (signed_in(username="other"), "/admin/customers/customer-1/", cursor),
    ):
        answer = browser.get(f"{address}?{query}")
        assert answer.status_code == 400
        assert "Please start from the first page." in answer.text
        assert f'href="{address}"' in answer.text
    assert chain("person:other")[0].action == "access.refused"


def test_one_payment_tells_everything(signed_in: SignIn) -> None:
    source, target = opened("a", balance=100_00), opened("b")
    payment = transferred(source, target, description="Rent", merchant_id="shop").payment
    text = signed_in().get(f"/admin/payments/{payment.id}/").text
    for shown in (
        "10.00 USD",
        "Rent",
        source.account_number,
        target.account_number,
        f'href="/admin/accounts/{target.id}/"',
        'href="/admin/customers/customer-b/"',
        'href="/admin/merchants/shop/"',
        "02 Mar 2026, 12:00:00",
        "teller1",
        "Payment processed 10.00 USD",
        "payment.processed",
    ):
        assert shown in text


def test_a_payment_without_accounts_says_so(signed_in: SignIn) -> None:
    payment = transferred(opened("a"), "no such/account").payment
    text = signed_in().get(f"/admin/payments/{payment.id}/").text
    assert "There is no account" in text
    assert "no such/account" in text


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/admin/payments/nonsense/", "There is no payment with the id nonsense."),
        ("/admin/payments/0195a2b3-7c4d-7e5f-8a6b-1c2d3e4f5a6b/", "There is no payment"),
        ("/admin/customers/nobody/", "belongs to a customer nobody."),
        ("/admin/merchants/nobody/", "No payment names a merchant nobody."),
        ("/admin/merchants/" + "x" * 3000 + "/", "No payment names a merchant"),
    ],
)
def test_what_is_not_there_is_a_404_that_says_so(
    signed_in: SignIn, address: str, sentence: str
) -> None:
    answer = signed_in().get(address)
    assert answer.status_code == 404
    assert sentence in answer.text


@pytest.mark.parametrize("party", ["a/b", "a b?c#d", "ärger & söhne", "%2f", HOSTILE])
def test_any_customer_and_merchant_has_a_page(signed_in: SignIn, party: str) -> None:
    (payment,) = many(1, customer_id=party, merchant_id=party)
    client = signed_in()
    row = client.get("/admin/payments/").context["rows"][0]
    for address in (row.customer_url, row.merchant_url):
        answer = client.get(address)
        assert answer.status_code == 200
        assert links(answer.text, [payment]) == [payment.id]
        assert HOSTILE not in answer.text


def test_hostile_texts_are_shown_as_text(signed_in: SignIn) -> None:
    source, target = opened("a", balance=100_00), opened("b")
    payment = transferred(source, target, description=HOSTILE).payment
    client = signed_in()
    for address in ("/admin/payments/", f"/admin/payments/{payment.id}/"):
        text = client.get(address).text
        assert HOSTILE not in text
        assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", {"S": "teleported"}),
        ("processed_at", {"S": "yesterday"}),
        ("created_at", {"S": "soon"}),
        ("currency", {"S": "ZZZ"}),
        ("customer_id", {"S": "line\nbreak"}),
    ],
)
def test_an_odd_stored_value_does_not_hide_its_payment(
    signed_in: SignIn, name: str, value: dict[str, str]
) -> None:
    payment = a_payment(merchant_id="shop")
    item = {**payment.serialize(), name: value}
    store_client.call("PutItem", TableName=Payment.table_name(), Item=item)
    client = signed_in()
    for address in (
        "/admin/payments/",
        "/admin/merchants/shop/",
        f"/admin/payments/{payment.id}/",
    ):
        answer = client.get(address)
        assert answer.status_code == 200
        assert payment.id in answer.text
        assert value["S"].partition("\n")[0] in answer.text or name == "processed_at"


@pytest.mark.parametrize("role", Role)
def test_admins_see_no_payments(signed_in: SignIn, role: Role) -> None:
    (payment,) = many(1, merchant_id="shop")
    client = signed_in(role)
    for address in (
        "/admin/payments/",
        f"/admin/payments/{payment.id}/",
        "/admin/customers/customer-1/",
        "/admin/merchants/shop/",
    ):
        answer = client.get(address)
        assert answer.status_code == (403 if role == Role.ADMIN else 200)
        assert (payment.id in answer.text) == (role != Role.ADMIN)


def test_an_empty_list_says_what_to_do(signed_in: SignIn) -> None:
    text = signed_in().get("/admin/payments/?customer_id=nobody").text
    assert "No payment fits these filters." in text
    opened("a")
    text = signed_in(username="other").get("/admin/customers/customer-a/").text
    assert "This customer has made no payment." in text


def test_a_failed_read_never_looks_empty(
    signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in()
    monkeypatch.setattr(Payment.Meta, "table_name", "gone")
    for address in ("/admin/payments/", "/admin/merchants/shop/", "/admin/customers/customer-1/"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert "No payment" not in answer.text
