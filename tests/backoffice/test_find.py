"""Where a text leads, for each role: to what they may see, and to nothing they may not."""

import pytest
from django.test import Client

from backoffice.permissions import Role
from backoffice.staff import services
from dynamodb.client import count_requests
from payments.models import Account, Payment
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import text
from tests.backoffice.people import AT, SETUP, a_member, chain
from tests.builders import opened, transferred
from tests.payments.alarms import an_alert

MONEY = (Role.TELLER, Role.SUPERVISOR, Role.COMPLIANCE)
NONE = "No record that you may see"


def landed(client: Client, typed: str) -> str:
    """The address that a text leads to; empty for a list."""
    answer = client.get("/admin/find/", {"q": typed})
    return str(answer.headers.get("Location", ""))


@pytest.fixture
def house(moto_store: None) -> tuple[Account, Payment]:
    source, target = opened("a", balance=500_00), opened("b")
    return source, transferred(source, target, amount_minor=12_50, merchant_id="shop").payment


@pytest.mark.parametrize("role", MONEY)
def test_numbers_and_ids_of_money_lead_to_their_pages(
    signed_in: SignIn, house: tuple[Account, Payment], role: Role
) -> None:
    account, payment = house
    client = signed_in(role)
    number = account.account_number
    page = f"/admin/accounts/{account.id}/"
    grouped = f" {number[:4]} {number[4:8]}-{number[8:]}"
    for typed in (number, grouped, account.id, account.request_id):
        assert landed(client, typed) == page, typed
    assert landed(client, payment.id) == f"/admin/payments/{payment.id}/"
    for typed in (account.customer_id, f"customer:{account.customer_id}"):
        assert landed(client, typed) == f"/admin/customers/{account.customer_id}/"
    assert landed(client, "shop") == "/admin/merchants/shop/"


def test_an_admin_finds_people_and_no_money(
    signed_in: SignIn, house: tuple[Account, Payment]
) -> None:
    account, payment = house
    client = signed_in(Role.ADMIN)
    assert landed(client, "staff:someone") == landed(client, "Someone") == "/admin/staff/someone/"
    for typed in (
        account.account_number, account.id, account.request_id, payment.id, account.customer_id,
        "shop",
    ):  # fmt: skip
        with count_requests() as seen:
            answer = client.get("/admin/find/", {"q": typed})
        assert NONE in text(answer)
        assert "/admin/accounts/" not in text(answer)
        assert "Query" not in seen.operations


def test_only_compliance_finds_alerts_and_chains(
    signed_in: SignIn, house: tuple[Account, Payment]
) -> None:
    account, _ = house
    alert = an_alert("cause", account.customer_id)
    compliance = signed_in(Role.COMPLIANCE)
    assert landed(compliance, alert.id) == f"/admin/alerts/{alert.id}/"
    assert landed(compliance, "person:someone") == "/admin/audit/person:someone/"
    for role in (Role.TELLER, Role.SUPERVISOR, Role.ADMIN):
        client = Client()
        client.force_login(a_member(username=role, roles=[role]))
        absent = "alert_" + "0" * len(alert.id.removeprefix("alert_"))
        pages = []
        for typed in (alert.id, absent, "person:someone"):
            with count_requests() as seen:
                answer = client.get("/admin/find/", {"q": typed})
            assert answer.status_code == 200
            shown = text(answer).partition("data-hits")[2].partition("</main>")[0]
            pages.append((shown.replace(typed, ""), seen.operations))
        assert pages[0] == pages[1] == pages[2]


def test_names_of_pages_and_actions_lead_there_if_one_may_use_them(signed_in: SignIn) -> None:
    client = signed_in(Role.TELLER)
    assert landed(client, "open acc") == "/admin/accounts/new/"
    assert landed(client, "preferences") == "/admin/preferences/"
    for typed in ("audit trail", "alerts", "add a member"):
        assert landed(client, typed) == ""
        assert NONE in text(client.get("/admin/find/", {"q": typed}))


def test_several_places_are_listed_and_one_can_be_asked_not_to_land(
    signed_in: SignIn, house: tuple[Account, Payment]
) -> None:
    account, _ = house
    client = signed_in()
    assert landed(client, "a") == ""
    staying = client.get("/admin/find/", {"q": account.account_number, "stay": "yes"})
    assert f'href="/admin/accounts/{account.id}/"' in text(staying)
    assert "487.50 USD" in text(staying)


def test_a_mistyped_number_says_so_and_asks_nothing(signed_in: SignIn) -> None:
    client = signed_in()
    with count_requests() as seen:
        answer = client.get("/admin/find/", {"q": "123456789012"})
    assert answer.status_code == 422
    assert "a digit is mistyped" in text(answer)
    assert seen.operations == ["BatchGetItem"]


def test_what_was_looked_at_of_late_is_at_hand_for_who_may_still_see_it(
    signed_in: SignIn, house: tuple[Account, Payment]
) -> None:
    account, payment = house
    client = signed_in(Role.SUPERVISOR)
    for address in (f"accounts/{account.id}", f"payments/{payment.id}", f"accounts/{account.id}"):
        client.get(f"/admin/{address}/")
    with count_requests() as seen:
        page = text(client.get("/admin/find/"))
    assert seen.operations == ["BatchGetItem", "Query", "BatchGetItem"]
    recent = page.partition("Recently looked at")[2].partition("</section>")[0]
    assert recent.index(account.account_number) < recent.index("12.50 USD")
    assert recent.count(account.account_number) == 1

    event = services.staff_event("someone", "staff.roles_changed", SETUP)
    services.change_staff("someone", lambda _: {"roles": [Role.ADMIN]}, event, at=AT)
    assert "Recently looked at" not in text(client.get("/admin/find/"))


def test_a_search_is_remembered_with_what_was_looked_for(signed_in: SignIn) -> None:
    client = signed_in()
    client.get("/admin/find/", {"q": "nobody-known"})
    entry = chain("person:someone")[0]
    assert (entry.action, entry.new_values) == ("record.searched", {"q": "nobody-known"})
    client.get("/admin/find/")
    assert len(chain("person:someone")) == entry.seq
