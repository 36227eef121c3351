"""Statements and receipts, as staff see them and take them away."""

import csv
import hashlib
import io
from datetime import timedelta
from html import escape
from typing import Any

import pytest
from django.test import Client

from backoffice.permissions import Role
from backoffice.presenters import statements as shown
from backoffice.staff import services
from backoffice.staff.models import Staff
from backoffice.views import statements as statement_views
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from payments import queries
from payments.models import Account
from tests.backoffice.conftest import SignIn
from tests.backoffice.factors import with_app
from tests.backoffice.pages import text
from tests.backoffice.people import a_member, chain
from tests.builders import NOON, opened, planted, transferred

pytestmark = pytest.mark.usefixtures("moto_store")

MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


@pytest.fixture
def teller(signed_in: SignIn) -> Client:
    return signed_in(Role.TELLER)


def a_busy_account(currency: str = "USD", payments: int = 3) -> Account:
    account, other = opened("a", balance=5000, currency=currency), opened("b", currency=currency)
    for number in range(payments):
        at = NOON + timedelta(minutes=number)
        transferred(account, other, at=at, amount_minor=10, currency=currency, description="=1+1")
    return account


def statement_of(account: Account, file: str = "") -> str:
    return f"/admin/accounts/{account.id}/statement/{file}"


def taken(client: Client, account: Account, file: str, period: dict[str, str] = MARCH) -> bytes:
    answer: Any = client.get(statement_of(account, f"{file}/"), period)
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize(
    ("currency", "opening", "closing"),
    [("JPY", "5,000 JPY", "4,970 JPY"), ("KWD", "5.000 KWD", "4.970 KWD")],
)
def test_the_page_leads_from_one_balance_to_the_other(
    teller: Client, currency: str, opening: str, closing: str
) -> None:
    account = a_busy_account(currency)
    page = text(teller.get(statement_of(account), MARCH))
    assert page.count(closing) >= 2
    assert f"+{opening}" in page
    assert queries.get_accounts(account.id)[0].format_balance() == closing  # type: ignore[union-attr]  # it is there
    later = text(teller.get(statement_of(account), {"from": "2026-04-01", "to": "2026-04-30"}))
    assert "No money has moved here." in later
    assert later.count(closing) == 4


def test_a_line_names_the_other_account_by_its_number(teller: Client) -> None:
    account, other = opened("a", balance=5000), opened("b")
    transferred(account, other)
    for mine, named in ((account, other), (other, account)):
        page = text(teller.get(statement_of(mine), MARCH))
        number = named.account_number
        assert f'<a href="/admin/accounts/{named.id}/"><code title="{number}">{number}<' in page


def places(page: str) -> list[str]:
    """The cursors that a page leads to."""
    return list(dict.fromkeys(part.split('"')[0] for part in page.split("cursor=")[1:]))


def test_pages_cost_six_requests_at_most_and_a_cursor_is_its_statement_s_alone(
    teller: Client,
) -> None:
    account = a_busy_account(payments=120)
    with count_requests() as seen:
        first = text(teller.get(statement_of(account), MARCH))
    assert len(seen) <= 6
    assert "Carried forward" in first
    cursor, end = places(first)
    with count_requests() as seen:
        last = text(teller.get(statement_of(account), {**MARCH, "cursor": cursor}))
    assert len(seen) <= 6
    assert "Brought forward" in last
    assert "Closing balance" in last
    assert first.count("=1+1") + last.count("=1+1") == 120
    read_from_the_end = text(teller.get(statement_of(account), {**MARCH, "cursor": end}))
    (back,) = [place for place in places(read_from_the_end) if place.startswith("last~")]
    begin = text(teller.get(statement_of(account), {**MARCH, "cursor": back}))
    for page, above, below in (
        (read_from_the_end, "Brought forward", "Closing balance"),
        (begin, "Opening balance", "Carried forward"),
    ):
        lines = page[page.index("<tbody>") :]
        assert above in lines
        assert below in lines
    assert begin.count("=1+1") + read_from_the_end.count("=1+1") == 120
    april = {"from": "2026-03-01", "to": "2026-04-30", "cursor": cursor}
    assert teller.get(statement_of(account), april).status_code == 400


def test_csv_keeps_numbers_and_disarms_formulas_and_leaves_an_entry(teller: Client) -> None:
    account = a_busy_account()
    with count_requests() as seen:
        file = taken(teller, account, "csv")
    rows = list(csv.reader(io.StringIO(file.decode())))
    assert [row[2:] for row in rows[1:]] == [
        ["Opening balance", "", "", "0.00", "USD"],
        ["Opening balance", rows[2][3], "50.00", "50.00", "USD"],
        ["'=1+1", rows[3][3], "-0.10", "49.90", "USD"],
        ["'=1+1", rows[3][3], "-0.10", "49.80", "USD"],
        ["'=1+1", rows[3][3], "-0.10", "49.70", "USD"],
        ["Closing balance", "", "", "49.70", "USD"],
    ]
    entry = chain(f"views:{account.id}")[0]
    assert (entry.action, entry.user_id) == ("statement.exported", "someone")
    assert entry.new_values == {
        **MARCH,
        "file": "csv",
        "rows": 4,
        "sha256": hashlib.sha256(file).hexdigest(),
    }
    assert len(seen) <= 7


@pytest.mark.parametrize("file", ["pdf", "csv", "xml"])
def test_a_file_takes_a_fresh_proof_and_the_page_none(file: str) -> None:
    account, client = a_busy_account(), Client()
    with_app(a_member(roles=[Role.TELLER]).username)
    client.force_login(Staff.of(services.find_staff("someone")))
    assert client.get(statement_of(account), MARCH).status_code == 200
    refused = client.get(statement_of(account, f"{file}/"), MARCH)
    assert refused.status_code == 401
    assert all(entry.action != "statement.exported" for entry in chain(f"views:{account.id}"))


def test_a_pdf_takes_any_letters_and_says_where_it_would_be_too_long(
    teller: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = a_busy_account(payments=60)
    paid = queries.get_customer_payments(customer_id="customer-a", person="p").rows[0]
    whole = queries.get_payment(paid.id)
    assert whole is not None
    planted(whole.with_changes({"description": "日本 " + "W" * 130}))
    assert taken(teller, account, "pdf").startswith(b"%PDF-")
    assert teller.get(f"/admin/payments/{paid.id}/receipt/pdf/").content.startswith(b"%PDF-")
    monkeypatch.setattr(shown, "MOST_PRINTED", 60)
    refused = teller.get(statement_of(account, "pdf/"), MARCH)
    assert refused.status_code == 422
    assert "More than 60 movements make no PDF" in text(refused)
    assert "50.00 USD" not in text(refused), "Nobody took down who sees it."


@pytest.mark.parametrize("in_memory", [statement_views.IN_MEMORY, 10])
def test_camt_053_is_sent_as_xml(
    teller: Client, in_memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From memory or, where it is long, from disk."""
    monkeypatch.setattr(statement_views, "IN_MEMORY", in_memory)
    assert taken(teller, a_busy_account(), "xml").count(b"<Ntry>") == 4


@pytest.mark.parametrize("file", ["", "csv/"])
@pytest.mark.parametrize(
    ("period", "sentence"),
    [
        ({"from": "2026-03-09", "to": "2026-03-01"}, "This day is before the first one."),
        ({"from": "2999-01-01"}, "This day has not begun yet."),
        ({"from": "march"}, "Enter a day such as"),
        ({"to": "1999-12-31"}, "Enter a day from 2000 on."),
    ],
)
def test_a_period_that_is_none_says_so_beside_it(
    teller: Client, file: str, period: dict[str, str], sentence: str
) -> None:
    answer = teller.get(statement_of(opened("a"), file), period)
    assert answer.status_code == 422
    assert sentence in text(answer)


def test_without_a_period_it_is_this_month_up_to_today(teller: Client) -> None:
    today = utc_now().date()
    page = text(teller.get(statement_of(opened("a"))))
    assert f"{today.replace(day=1):%d %b %Y} \u2013 {today:%d %b %Y}" in page


def test_a_receipt_shows_both_sides_and_what_has_moved_nothing_is_none(teller: Client) -> None:
    source, target = opened("a", balance=5000), opened("b")
    paid = transferred(source, target, description="Rent", reference="F-7").payment
    page = text(teller.get(f"/admin/payments/{paid.id}/receipt/"))
    for told in (source.account_number, target.account_number, paid.id, "10.00 USD", "Rent", "F-7",
                 "02 Mar 2026 12:00:00 UTC", "processed"):  # fmt: skip
        assert told in page
    assert "This is no receipt" not in page
    failed = transferred(source, target, amount_minor=10**6).payment
    page = text(teller.get(f"/admin/payments/{failed.id}/receipt/"))
    assert "This is no receipt" in page
    assert failed.failure_reason
    assert escape(failed.failure_reason) in page


def test_an_account_shows_its_balance_over_time(teller: Client) -> None:
    page = text(teller.get(f"/admin/accounts/{a_busy_account().id}/"))
    assert "at least 0.00 USD, at most 50.00 USD, at the end 49.70 USD" in page
    assert "at the end" not in text(teller.get(f"/admin/accounts/{opened('c').id}/"))


@pytest.mark.parametrize("file", ["", "csv/", "pdf/", "xml/"])
def test_records_that_do_not_fit_are_told_and_make_no_statement(teller: Client, file: str) -> None:
    account = a_busy_account()
    entry = chain(account.id)[1]
    planted(entry.with_changes({"new_values": {"balance": 4001}}))
    answer = teller.get(statement_of(account, file), MARCH)
    assert answer.status_code == 422
    assert "do not fit together" in text(answer)


def test_an_account_of_an_unknown_currency_has_no_files(teller: Client) -> None:
    account = a_busy_account()
    planted(account.with_changes({"currency": "???"}))
    assert teller.get(statement_of(account, "csv/"), MARCH).status_code == 422
