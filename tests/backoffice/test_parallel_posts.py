"""The same form sent many times at once, on DynamoDB Local."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from backoffice.permissions import Role
from payments import queries
from payments.models import Account, Payment
from tests.backoffice.people import a_member
from tests.bank import check_bank
from tests.builders import opened

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("local_store")]

TRANSFER = "/admin/transfers/new/"
OPENING = "/admin/accounts/new/"
TIMES = 20


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def sent_at_once(client: Client, address: str, fields: dict[str, str]) -> list[tuple[int, str]]:
    """Post the same fields from as many browsers of the same person; gives status and target."""

    def send(_: int) -> tuple[int, str]:
        browser = Client()
        browser.cookies = client.cookies
        answer = browser.post(address, fields)
        return answer.status_code, answer.headers.get("Location", "")

    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(send, range(TIMES)))


@pytest.fixture
def teller() -> Client:
    client = Client()
    client.force_login(a_member(roles=[Role.TELLER]))
    return client


def test_one_transfer_form_sent_twenty_times_is_one_payment_and_twenty_redirects(
    teller: Client,
) -> None:
    source, target = opened("a", balance=100_000), opened("b")
    form = teller.get(TRANSFER).content.decode()
    fields = {
        "from_account_id": source.account_number,
        "to_account_id": target.id,
        "amount": "12.34",
        "currency": "USD",
        "description": "",
        "merchant_id": "",
        "payment_id": hidden(form, "payment_id"),
        "confirm": "yes",
    }
    answers = sent_at_once(teller, TRANSFER, fields)
    (answer,) = set(answers)
    assert answer[0] == 302
    payments = [payment for payment in Payment.scan() if payment.to_account_id == target.id]
    assert [f"/admin/payments/{payment.id}/" for payment in payments] == [answer[1]]
    after = queries.get_account(source.id)
    assert after is not None
    assert after.balance == 100_000 - 1234
    assert check_bank().faults == []

    fields["amount"] = "12.35"
    refused = teller.post(TRANSFER, fields)
    assert refused.status_code == 422
    assert "already sent with other values" in refused.content.decode()
    assert check_bank().faults == []


def test_one_opening_form_sent_twenty_times_is_one_account(teller: Client) -> None:
    form = teller.get(OPENING).content.decode()
    fields = {
        "customer_id": "c-1",
        "account_type": "savings",
        "currency": "KWD",
        "opening_balance": "1.005",
        "request_id": hidden(form, "request_id"),
    }
    (answer,) = set(sent_at_once(teller, OPENING, fields))
    accounts = [account for account in Account.scan() if not account.is_system]
    assert [(302, f"/admin/accounts/{account.id}/") for account in accounts] == [answer]
    assert accounts[0].balance == 1005
    assert check_bank().faults == []
