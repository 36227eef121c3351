"""What supervisors do with accounts and processed payments, through their pages."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from backoffice.permissions import Role
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from payments import policy, queries
from payments.models import Account, AccountStatus, Payment
from payments.policy import Policy
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import errors, fresh, hidden, text
from tests.backoffice.people import a_member, chain
from tests.bank import check_bank
from tests.builders import opened, planted, transferred

ACTIONS = ("freeze", "unfreeze", "unlock", "edit", "close")


@pytest.fixture
def supervisor(signed_in: SignIn) -> Client:
    return signed_in(Role.SUPERVISOR)


def now(account: Account) -> Account:
    found = queries.get_account(account.id)
    assert found is not None
    return found


def limits_of(account: Account) -> tuple[int | None, int | None]:
    stored = now(account)
    return stored.transfer_limit, stored.day_limit


def address(account: Account, action: str) -> str:
    return f"/admin/accounts/{account.id}/{action}/"


def fields_of(client: Client, account: Account, action: str, **values: str) -> dict[str, str]:
    """The hidden fields of an action's page as it is opened now, a reason, and what is typed."""
    page = client.get(address(account, action))
    name = "payment_id" if action == "close" else "request_id"
    kept = {name: hidden(page, name), "reason": "court order"}
    if action == "edit":
        kept |= {"seen_version": hidden(page, "seen_version"), "customer_id": account.customer_id}
    return kept | values


def done(client: Client, account: Account, action: str, **values: str) -> Any:
    fields = fields_of(client, account, action, **values)
    return client.post(address(account, action), fields | {"confirm": "yes"})


def test_only_supervisors_manage_accounts_and_reverse(signed_in: SignIn) -> None:
    source, target = opened("a", balance=5000), opened("b")
    payment = transferred(source, target).payment
    addresses = [address(source, action) for action in ACTIONS]
    addresses.append(f"/admin/payments/{payment.id}/reverse/")
    for role in Role:
        client = signed_in(role, username=f"the-{role}")
        expected = 200 if role == Role.SUPERVISOR else 403
        assert {client.get(each).status_code for each in addresses} == {expected}
        if role == Role.SUPERVISOR:
            continue
        assert {client.post(each, {"confirm": "yes"}).status_code for each in addresses} == {403}
    boss = signed_in(Role.SUPERVISOR, username="boss")
    for path in ("/admin/accounts/nobody/freeze/", "/admin/payments/nobody/reverse/"):
        assert boss.get(path).status_code == 404


def test_an_account_is_frozen_after_a_confirmation_and_says_so(supervisor: Client) -> None:
    account = opened("a", balance=5000)
    fields = fields_of(supervisor, account, "freeze", direction="debits", until="")
    shown = supervisor.post(address(account, "freeze"), fields)
    for expected in ("Freeze the account?", "court order", "Debits: nothing leaves", "50.00 USD"):
        assert expected in text(shown)
    assert now(account).status == AccountStatus.ACTIVE
    confirmed = {name: hidden(shown, name) for name in [*fields, "confirm"]}
    answer = supervisor.post(address(account, "freeze"), confirmed, follow=True)
    assert answer.redirect_chain == [(f"/admin/accounts/{account.id}/", 302)]
    for expected in ("The account is frozen.", "frozen</span>", "nothing leaves", "court order"):
        assert expected in text(answer)
    assert done(supervisor, account, "unfreeze").status_code == 302
    assert now(account).status == AccountStatus.ACTIVE


def test_the_end_of_a_freeze_is_in_the_person_s_time_zone(moto_store: None) -> None:
    client = Client()
    client.force_login(a_member(roles=[Role.SUPERVISOR], time_zone="Asia/Tokyo"))
    account = opened("a")
    day = (utc_now() + timedelta(days=3)).date()
    assert (
        done(client, account, "freeze", direction="both", until=f"{day}T18:30").status_code == 302
    )
    until = now(account).frozen_until
    assert until is not None
    assert until.isoformat() == f"{day}T09:30:00+00:00"
    assert "18:30:00" in text(client.get(f"/admin/accounts/{account.id}/"))


def test_a_freeze_that_has_ended_is_shown_as_ended(supervisor: Client) -> None:
    account = opened("a", balance=5000)
    done(supervisor, account, "freeze", direction="debits")
    planted(now(account).with_changes({"frozen_until": utc_now() - timedelta(minutes=1)}))
    page = text(supervisor.get(f"/admin/accounts/{account.id}/"))
    assert "its freeze ended" in page
    assert "frozen</span>" not in page
    assert address(account, "unfreeze") not in page


def test_the_end_of_a_freeze_is_looked_at_before_the_confirmation(supervisor: Client) -> None:
    account = opened("a")
    fields = fields_of(supervisor, account, "freeze", direction="both", until="2020-01-01T00:00")
    answer = supervisor.post(address(account, "freeze"), fields)
    assert (answer.status_code, list(errors(answer))) == (422, ["until"])
    assert "The end of a freeze must lie ahead." in text(answer)


@pytest.mark.parametrize(
    ("frozen", "offered"),
    [
        ("", ["from", "to"]),
        ("debits", ["to"]),
        ("credits", ["from"]),
        ("both", []),
    ],
)
def test_transfers_are_offered_where_money_can_move(
    signed_in: SignIn, frozen: str, offered: list[str]
) -> None:
    account, supervisor = opened("a", balance=5000), signed_in(Role.SUPERVISOR)
    if frozen:
        done(supervisor, account, "freeze", direction=frozen, until="")
    page = text(supervisor.get(f"/admin/accounts/{account.id}/"))
    assert [end for end in ("from", "to") if f"new/?{end}_account_id=" in page] == offered
    planted(now(account).with_changes({"locked_until": utc_now() + timedelta(minutes=1)}))
    page = text(supervisor.get(f"/admin/accounts/{account.id}/"))
    assert "new/?from_account_id=" not in page


@pytest.mark.parametrize(
    ("action", "values", "field"),
    [
        ("freeze", {"direction": "both", "reason": ""}, "reason"),
        ("freeze", {"direction": "both", "reason": "a\tb"}, ""),
        ("freeze", {"direction": "sideways"}, "direction"),
        ("freeze", {"direction": "both", "until": "2020-01-01T00:00"}, "until"),
        ("freeze", {"direction": "both", "until": "9999-12-31T23:59"}, "until"),
        ("freeze", {"direction": "both", "until": "tomorrow"}, "until"),
        ("unfreeze", {}, ""),
        ("unlock", {}, ""),
        ("close", {}, ""),
        ("close", {"rest_to": "nobody"}, ""),
        ("edit", {"transfer_limit": "1.005"}, "transfer_limit"),
        ("edit", {"day_limit": "-1"}, "day_limit"),
        ("edit", {"seen_version": "old"}, "seen_version"),
        ("edit", {"customer_id": ""}, "customer_id"),
        ("edit", {"customer_id": "clearing"}, "customer_id"),
    ],
)
def test_what_is_refused_comes_back_with_its_sentence_and_is_recorded(
    supervisor: Client, action: str, values: dict[str, str], field: str
) -> None:
    account = opened("a", balance=5000)
    before = now(account).version
    answer = done(supervisor, account, action, **values)
    assert answer.status_code == 422
    assert list(errors(answer)) == [field] or values.get("reason") == "a\tb"
    assert 'value="court order"' in text(answer) or "reason" in values
    assert chain("person:someone")[0].action == "account.refused"
    assert now(account).version == before


def test_locked_debits_are_shown_and_unlocked(supervisor: Client) -> None:
    account, other = opened("a", balance=100), opened("b")
    for _ in range(3):
        transferred(account, other, at=utc_now(), amount_minor=500)
    page = text(supervisor.get(f"/admin/accounts/{account.id}/"))
    assert "Debits locked until" in page
    assert address(account, "unlock") in page
    assert done(supervisor, account, "unlock").status_code == 302
    assert now(account).locked_until is None


def test_a_closed_account_offers_nothing_more(supervisor: Client, signed_in: SignIn) -> None:
    account, other = opened("a", balance=5000), opened("b")
    assert address(account, "close") not in text(
        signed_in(Role.TELLER, username="t").get(f"/admin/accounts/{account.id}/")
    )
    fields = fields_of(supervisor, account, "close", rest_to=other.account_number)
    for _ in range(2):  # a double click closes once, and is answered twice
        answer = supervisor.post(address(account, "close"), fields | {"confirm": "yes"})
        assert answer.status_code == 302
    assert (now(account).status, now(other).balance) == (AccountStatus.CLOSED, 5000)
    page = text(supervisor.get(f"/admin/accounts/{account.id}/"))
    assert address(account, "freeze") not in page
    assert check_bank().faults == []


def test_limits_are_set_shown_and_taken_away(supervisor: Client) -> None:
    account = opened("a", balance=5000)
    limits = {"transfer_limit": "10.50", "day_limit": ""}
    assert done(supervisor, account, "edit", **limits).status_code == 302
    assert limits_of(account) == (1050, None)
    page = text(supervisor.get(f"/admin/accounts/{account.id}/"))
    assert "10.50 USD at a time, no limit in a day" in page
    assert 'value="10.50"' in text(supervisor.get(address(account, "edit")))
    assert done(supervisor, account, "edit", transfer_limit="", day_limit="0").status_code == 302
    assert limits_of(account) == (None, 0)


def test_a_stale_save_shows_both_versions_and_loses_nothing(supervisor: Client) -> None:
    account = opened("a", balance=5000)
    typed = {"transfer_limit": "7", "day_limit": "70", "customer_id": "typed-owner"}
    stale = fields_of(supervisor, account, "edit", **typed)
    done(supervisor, account, "edit", transfer_limit="30", day_limit="", customer_id="stored-owner")
    answer = supervisor.post(address(account, "edit"), stale | {"confirm": "yes"})
    assert answer.status_code == 422
    for expected in ("Stored meanwhile", "30.00 USD", "7.00 USD", "70.00 USD", "no limit"):
        assert expected in text(answer)
    for owner in ("stored-owner", "typed-owner"):
        assert f'<td class="money">{owner}</td>' in text(answer)
    for kept in ("7", "70", "typed-owner", "court order"):
        assert f'value="{kept}"' in text(answer)
    assert (now(account).transfer_limit, now(account).customer_id) == (3000, "stored-owner")
    again = {name: hidden(answer, name) for name in ("request_id", "seen_version")}
    answer = supervisor.post(address(account, "edit"), stale | again | {"confirm": "yes"})
    assert answer.status_code == 302
    assert limits_of(account) == (700, 7000)
    assert now(account).customer_id == "typed-owner"


@pytest.mark.parametrize("action", ACTIONS)
def test_the_same_post_again_is_answered_as_before_and_done_once(
    supervisor: Client, action: str
) -> None:
    account, other = opened("a", balance=100), opened("b")
    for _ in range(3 * (action == "unlock")):
        transferred(account, other, at=utc_now(), amount_minor=500)
    if action == "unfreeze":
        done(supervisor, account, "freeze", direction="both")
    if action == "close":
        transferred(account, other, at=utc_now(), amount_minor=100)
    fields = fields_of(supervisor, account, action, direction="both", day_limit="5")
    fields["confirm"] = "yes"
    answers = [supervisor.post(address(account, action), fields) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {302}
    assert {answer.headers["Location"] for answer in answers} == {f"/admin/accounts/{account.id}/"}
    entries = [entry for entry in chain(account.id) if entry.user_id == "someone"]
    assert len(entries) == 1 + (action == "unfreeze")
    assert "account.refused" not in {entry.action for entry in chain("person:someone")}
    other_words = supervisor.post(address(account, action), fields | {"reason": "other"})
    assert other_words.status_code == (302 if action == "freeze" else 422)


def test_what_an_action_costs(supervisor: Client) -> None:
    account = opened("a", balance=5000)
    fields = fields_of(supervisor, account, "freeze", direction="both") | {"confirm": "yes"}
    with count_requests() as seen:
        supervisor.post(address(account, "freeze"), fields)
    assert seen.operations == ["BatchGetItem", "Query", "GetItem", "TransactWriteItems"]


def paid() -> Payment:
    return transferred(opened("a", balance=5000), opened("b")).payment


def reversal(client: Client, payment: Payment, **values: str) -> dict[str, str]:
    page = f"/admin/payments/{payment.id}/reverse/"
    fields = {"amount": "4.00", "reason": "paid twice"}
    return fields | {"payment_id": fresh(client, page, "payment_id")} | values


def test_a_payment_is_reversed_once_however_often_it_is_sent(supervisor: Client) -> None:
    payment = paid()
    page = f"/admin/payments/{payment.id}/reverse/"
    assert 'value="10.00"' in text(supervisor.get(page))
    fields = reversal(supervisor, payment)
    shown = supervisor.post(page, fields)
    for expected in ("Confirm the reversal", "4.00 USD", "paid twice", "50.00 USD", payment.id):
        assert expected in text(shown) or expected == "50.00 USD"
    confirmed = {name: hidden(shown, name) for name in [*fields, "confirm"]}
    (target,) = {supervisor.post(page, confirmed).headers["Location"] for _ in range(3)}
    assert payment.id in text(supervisor.get(target))
    original = text(supervisor.get(f"/admin/payments/{payment.id}/"))
    assert target in original
    assert "4.00 USD in all, 6.00 USD left" in original
    assert check_bank().faults == []


def test_no_more_is_reversed_than_there_is(supervisor: Client) -> None:
    payment = paid()
    page = f"/admin/payments/{payment.id}/reverse/"
    answer = supervisor.post(page, reversal(supervisor, payment, amount="10.01"))
    assert answer.status_code == 422
    assert errors(answer) == {"amount": ["Of this payment 10.00 USD can still be reversed."]}
    assert "on record" in text(answer)
    answer = supervisor.post(page, reversal(supervisor, payment, reason=""))
    assert list(errors(answer)) == ["reason"]
    assert 'value="4.00"' in text(answer)
    assert supervisor.post(page, reversal(supervisor, payment) | {"edit": "yes"}).status_code == 200


def test_a_large_reversal_waits(supervisor: Client) -> None:
    payment = paid()
    policy.configure(Policy(approval_threshold=100))
    page = f"/admin/payments/{payment.id}/reverse/"
    shown = supervisor.post(page, reversal(supervisor, payment))
    assert "Ask for approval of 4.00 USD" in text(shown)
    done = supervisor.post(page, reversal(supervisor, payment) | {"confirm": "yes"}, follow=True)
    assert "waits for a supervisor" in text(done)
