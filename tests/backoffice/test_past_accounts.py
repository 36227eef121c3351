"""The page of an account, asked for a past instant."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client

from backoffice.permissions import Role
from dynamodb.client import count_requests
from payments.models import Account
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import text
from tests.backoffice.people import a_member, chain
from tests.builders import NOON, opened, transferred


@pytest.fixture
def teller(signed_in: SignIn) -> Client:
    return signed_in(Role.TELLER)


def page_of(account: Account) -> str:
    return f"/admin/accounts/{account.id}/"


@pytest.mark.usefixtures("moto_store")
def test_an_account_is_shown_as_it_stood_in_the_time_zone_of_who_asks() -> None:
    source, target = opened("a", balance=5_000_00), opened("b")
    transferred(source, target, at=NOON + timedelta(hours=1))
    client = Client()
    client.force_login(a_member(roles=[Role.TELLER], time_zone="Europe/Berlin"))
    before = text(client.get(page_of(source), {"at": "2026-03-02T13:59"}))
    assert "Account opened with 5,000.00 USD</a>, " in before
    after = client.get(page_of(source), {"at": "2026-03-02T14:00:00"})
    stood = text(after).partition("At a past instant")[2].partition("</section>")[0]
    assert "4,990.00 USD" in stood
    entry = chain(source.id)[0]
    assert f"/admin/audit/{source.id}/?entry={quote(entry.timestamp, safe='')}#entry-2" in stood


@pytest.mark.parametrize(
    ("at", "status", "sentence"),
    [
        ("2026-01-01T00:00", 200, "The account was not open yet."),
        ("yesterday", 422, "Enter a time such as"),
        ("", 422, "This field is required."),
        ("0001-01-01T00:00", 422, "from the year 2000 on"),
        ("9999-12-31T23:59", 422, "from the year 2000 on"),
    ],
)
def test_an_instant_before_the_account_or_none_at_all_says_so(
    teller: Client, at: str, status: int, sentence: str
) -> None:
    answer = teller.get(page_of(opened("a")), {"at": at})
    assert answer.status_code == status
    assert sentence in text(answer)


def test_the_past_costs_two_requests_more_at_most(teller: Client) -> None:
    account = opened("a", balance=5)
    with count_requests() as seen:
        teller.get(page_of(account), {"at": "2026-05-01T12:00"})
    assert len(seen) <= 6
