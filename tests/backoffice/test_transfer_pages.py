"""Transfers through the form: shown before, done once, refused in words."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from html import escape, unescape
from typing import Any

import pytest
import time_machine
from django.test import Client

from backoffice.permissions import Role
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from payments import directory, queries, transfers
from payments.models import Account, AccountStatus, Payment
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import errors, fresh, hidden, text
from tests.backoffice.people import a_member, chain
from tests.builders import opened, planted
from tests.dynamodb.faults import faults, passing, read_timeout_after, refusal

NEW = "/admin/transfers/new/"
HOSTILE = '"><script>alert(1)</script>'


class Desk:
    """A teller at the form, between two accounts."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.source, self.target = opened("a", balance=10_000), opened("b")

    def fields(self, **values: str) -> dict[str, str]:
        return {
            "from_account_id": self.source.account_number,
            "to_account_id": self.target.id,
            "amount": "12.50",
            "currency": "USD",
            "description": "Rent",
            "merchant_id": "",
            "payment_id": values.get("payment_id") or fresh(self.client, NEW, "payment_id"),
            **values,
        }

    def post(self, fields: dict[str, str], **more: str) -> Any:
        return self.client.post(NEW, fields | more)

    def send(self, **values: str) -> Any:
        return self.post(self.fields(**values), confirm="yes")

    @property
    def balances(self) -> tuple[int, int]:
        source, target = queries.get_accounts(self.source.id, self.target.id)
        assert source is not None
        assert target is not None
        return source.balance, target.balance

    @property
    def payments(self) -> list[Payment]:
        return queries.list_payments(person="", customer_id=self.source.customer_id).rows


@pytest.fixture
def desk(signed_in: SignIn) -> Desk:
    return Desk(signed_in(Role.TELLER))


def refused(answer: Any, sent: dict[str, str]) -> dict[str, list[str]]:
    """Check what every refusal promises; give its sentences by field."""
    assert answer.status_code == 422
    for name, value in sent.items():
        if name == "payment_id":
            assert hidden(answer, name) != value
        elif name == "currency":
            assert not value or f'value="{value}" selected' in text(answer)
        elif value:
            assert f'value="{escape(value)}"' in text(answer)
    return errors(answer)


def attempts() -> list[Any]:
    """Attempts on record that made no payment, newest first."""
    entries = chain("person:someone")
    return [entry.new_values for entry in entries if entry.action == "transfer.refused"]


def test_a_transfer_is_shown_with_both_balances_before_and_after_then_confirmed(
    desk: Desk,
) -> None:
    fields = desk.fields()
    shown = desk.post(fields)

    assert shown.status_code == 200
    for expected in (
        "100.00 USD", "87.50 USD", "0.00 USD", "12.50 USD", "Rent",
        desk.source.account_number, desk.target.account_number,
        desk.source.customer_id, desk.target.customer_id,
    ):  # fmt: skip
        assert expected in text(shown)
    assert desk.balances == (10_000, 0)
    confirmed = {name: hidden(shown, name) for name in [*fields, "confirm"]}
    assert confirmed == fields | {"confirm": "yes"}

    done = desk.post(confirmed)
    (payment,) = desk.payments
    assert done.status_code == 302
    assert done.headers["Location"] == f"/admin/payments/{payment.id}/"
    assert fields["payment_id"].startswith(payment.id)
    assert desk.balances == (8750, 1250)


def test_change_leads_back_to_the_form_with_the_same_id_and_the_accounts_looked_up(
    desk: Desk,
) -> None:
    fields = desk.fields(to_account_id=desk.target.customer_id, amount="twelve")
    answer = desk.post(fields, edit="yes")
    assert answer.status_code == 200
    assert hidden(answer, "payment_id") == fields["payment_id"]
    assert 'value="twelve"' in text(answer)
    assert desk.target.account_number in text(answer)
    assert errors(answer) == {}
    assert attempts() == []


def test_the_address_may_name_the_accounts_but_not_the_id(desk: Desk) -> None:
    answer = desk.client.get(NEW, {"from_account_id": "123", "payment_id": "mine", "amount": "5"})
    assert 'value="123"' in text(answer)
    assert hidden(answer, "payment_id") != "mine"
    assert 'value="5"' not in text(answer)


@pytest.mark.parametrize(
    ("extra", "last"), [({}, ["Query"]), ({"confirm": "yes"}, ["TransactWriteItems"])]
)
def test_a_post_costs_session_person_read_and_commit(
    desk: Desk, extra: dict[str, str], last: list[str]
) -> None:
    fields = desk.fields()
    with count_requests() as seen:
        desk.post(fields, **extra)
    assert seen.operations == ["BatchGetItem", "BatchGetItem", *last]


def test_the_same_sent_minutes_ago_stops_before_sending_until_it_is_confirmed(desk: Desk) -> None:
    sent = queries.get_payment(desk.send().headers["Location"].split("/")[-2])
    assert sent is not None
    with time_machine.travel(sent.created_at + timedelta(minutes=4, seconds=20), tick=False):
        fields = desk.fields()
        for other in ({"amount": "12.51"}, {"to_account_id": opened("d").id}):
            assert "all the same" not in text(desk.post(fields, **other))
        stopped = desk.post(fields)
        page = unescape(text(stopped)).replace("\xa0", " ")
        assert "from this account to that one 4 minutes ago" in page
        assert f'href="/admin/payments/{sent.id}/"' in page
        assert "Send 12.50 USD all the same" in page
        assert desk.balances == (8750, 1250)
        assert desk.post(fields, confirm="yes").status_code == 302
        assert desk.balances == (7500, 2500)
    ends: Any = {"amount_minor": 1250, "at": sent.created_at + timedelta(hours=2)}
    assert queries.find_twin(desk.source, desk.target, **ends) is None


@pytest.mark.parametrize("extra", [{}, {"confirm": "yes"}])
def test_the_same_id_again_answers_the_same(desk: Desk, extra: dict[str, str]) -> None:
    fields = desk.fields()
    first = desk.post(fields, confirm="yes")
    again = desk.post(fields, **extra)
    assert again.status_code == 302
    assert again.headers["Location"] == first.headers["Location"]
    assert len(desk.payments) == 1
    assert desk.balances == (8750, 1250)


@pytest.mark.parametrize("extra", [{}, {"confirm": "yes"}])
def test_the_same_id_with_other_values_is_refused_and_recorded(
    desk: Desk, extra: dict[str, str]
) -> None:
    fields = desk.fields()
    desk.post(fields, confirm="yes")
    other = fields | {"amount": "99"}
    (sentence,) = refused(desk.post(other, **extra), other)[""]
    assert "already sent with other values" in sentence
    assert desk.balances == (8750, 1250)
    assert [attempt["code"] for attempt in attempts()] == ["key_reused"]


@pytest.mark.parametrize("extra", [{}, {"confirm": "yes"}])
@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"amount": "100.01"}, "amount", "The source account has 100.00 USD available."),
        ({"currency": "EUR"}, "currency", "The source account is in USD, not EUR."),
        ({"from_account_id": "nobody"}, "from_account_id", "There is no such source account."),
        (
            {"to_account_id": "\uff11\uff12\uff13"},
            "to_account_id",
            "There is no such destination account.",
        ),
    ],
)
def test_a_rule_s_refusal_stands_next_to_its_field_and_is_a_failed_payment(
    desk: Desk, values: dict[str, str], field: str, sentence: str, extra: dict[str, str]
) -> None:
    fields = desk.fields(**values)
    answer = desk.post(fields, **extra)
    assert refused(answer, fields) == {field: [sentence]}
    payment_id = fields["payment_id"].partition(":")[0]
    payment = queries.get_payment(payment_id)
    assert payment is not None
    assert payment.failure_reason == sentence
    assert f"/admin/payments/{payment_id}/" in text(answer)
    assert [entry.action for entry in chain(payment_id)] == ["payment.failed"]
    assert desk.balances == (10_000, 0)


def test_a_refused_preview_stays_refused_though_the_money_has_come_since(desk: Desk) -> None:
    fields = desk.fields(amount="100.01")
    desk.post(fields)
    back = opened("c", balance=500)
    desk.send(from_account_id=back.id, to_account_id=desk.source.id, amount="5")
    assert desk.post(fields, confirm="yes").status_code == 422
    assert desk.balances == (10_500, 0)


def test_a_frozen_account_is_refused_by_name(desk: Desk) -> None:
    planted(desk.source.with_changes({"status": AccountStatus.FROZEN}))
    fields = desk.fields()
    assert refused(desk.post(fields), fields) == {
        "from_account_id": ["The source account is frozen."]
    }


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"amount": ""}, "amount", "missing_field"),
        ({"amount": "0"}, "amount", "invalid_amount"),
        ({"amount": "1.005"}, "amount", "invalid_amount"),
        ({"amount": "\uff11\uff12"}, "amount", "invalid_amount"),
        ({"amount": "1e3"}, "amount", "invalid_amount"),
        ({"amount": " 5"}, "amount", "invalid_amount"),
        ({"amount": "-5"}, "amount", "invalid_amount"),
        ({"amount": "NaN"}, "amount", "invalid_amount"),
        ({"amount": "9" * 5000}, "amount", "invalid_field"),
        ({"from_account_id": ""}, "from_account_id", "missing_field"),
        ({"to_account_id": "x" * 65}, "to_account_id", "invalid_field"),
        ({"currency": ""}, "currency", "missing_field"),
        ({"currency": "XXX"}, "currency", "unknown_currency"),
        ({"description": "x" * 1_000_000}, "description", "invalid_field"),
        ({"description": "a\x00b"}, "description", "invalid_field"),
        ({"description": "a\tb"}, "description", "invalid_field"),
        ({"description": HOSTILE + "\x07"}, "description", "invalid_field"),
        ({"merchant_id": "m\ufffd"}, "merchant_id", "invalid_field"),
    ],
)
def test_what_has_the_wrong_shape_is_refused_next_to_its_field_and_recorded(
    desk: Desk, values: dict[str, str], field: str, code: str
) -> None:
    fields = desk.fields(**values)
    answer = desk.post(fields, confirm="yes")
    assert answer.status_code == 422
    assert list(errors(answer)) == [field]
    assert hidden(answer, "payment_id") != fields["payment_id"]
    assert HOSTILE not in text(answer)
    assert [(attempt["code"], attempt["field"]) for attempt in attempts()] == [(code, field)]
    assert desk.balances == (10_000, 0)
    assert desk.payments == []


def test_one_account_on_both_sides_is_refused(desk: Desk) -> None:
    fields = desk.fields(to_account_id=desk.source.id)
    assert refused(desk.post(fields), fields) == {
        "to_account_id": ["Source and destination are the same account."]
    }
    assert [attempt["code"] for attempt in attempts()] == ["same_account"]


def test_half_characters_are_refused_whatever_way_they_come(desk: Desk) -> None:
    fields = desk.fields()
    broken = "&".join(f"{name}={value}" for name, value in fields.items() if name != "description")
    kind = "application/x-www-form-urlencoded"
    answer = desk.client.post(NEW, f"{broken}&description=%ED%A0%80&confirm=yes", kind)
    assert answer.status_code == 422
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (fields | {"description": r"\ud800"}).items()
    )
    strange = "multipart/form-data; boundary=b; charset=unicode_escape"
    answer = desk.client.generic("POST", NEW, f"{parts}--b--\r\n".encode(), strange)
    assert r"\ud800" in text(answer), "as it is written, not what another encoding makes of it"
    assert desk.client.get(NEW + "?from_account_id=%ED%A0%80").status_code == 200
    assert desk.balances == (10_000, 0)


def test_what_was_typed_is_never_markup(desk: Desk) -> None:
    for extra in ({}, {"edit": "yes"}):
        answer = desk.post(desk.fields(description=HOSTILE, merchant_id=HOSTILE), **extra)
        assert answer.status_code == 200
        assert HOSTILE not in text(answer)
        assert escape(HOSTILE) in text(answer)


@pytest.mark.parametrize(
    "spoil", [str.upper, lambda signed: signed[:-1], lambda _: "", lambda _: "é\x00:a"]
)
def test_a_touched_id_is_an_error_of_the_form(desk: Desk, spoil: Any) -> None:
    fields = desk.fields()
    fields["payment_id"] = spoil(fields["payment_id"])
    (sentence,) = refused(desk.post(fields, confirm="yes"), fields)[""]
    assert "was changed on its way" in sentence
    assert attempts()[0]["field"] == "payment_id"
    assert desk.balances == (10_000, 0)


def test_the_id_of_somebody_else_or_of_another_form_is_refused(
    desk: Desk, signed_in: SignIn
) -> None:
    other = signed_in(Role.TELLER, username="other")
    for foreign in (
        fresh(other, NEW, "payment_id"),
        fresh(desk.client, "/admin/accounts/new/", "request_id"),
    ):
        fields = desk.fields(payment_id=foreign)
        (sentence,) = refused(desk.post(fields, confirm="yes"), fields)[""]
        assert "not made for you" in sentence
    assert desk.balances == (10_000, 0)


@pytest.mark.parametrize(("hours", "status"), [(23.99, 200), (24.01, 422)])
def test_an_id_holds_for_a_day(moto_store: None, hours: float, status: int) -> None:
    person, client = a_member(), Client()
    with time_machine.travel(utc_now(), tick=False) as clock:
        client.force_login(person)
        desk = Desk(client)
        fields = desk.fields()
        clock.shift(timedelta(hours=hours))
        client.force_login(person)
        answer = desk.post(fields)
    assert answer.status_code == status
    assert ("more than 24 hours ago" in text(answer)) is (status == 422)
    assert desk.balances == (10_000, 0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A transfer that gives up at once instead of after ten seconds."""
    at_once = partial(transfers.transfer_funds, limit_seconds=0.02)
    with monkeypatch.context() as patched:
        patched.setattr(transfers, "transfer_funds", at_once)
        yield


@pytest.mark.usefixtures("impatient")
def test_a_busy_store_keeps_what_was_typed_and_the_id(desk: Desk) -> None:
    fields = desk.fields()
    with faults(passing, passing, then=refusal("ThrottlingException")):
        answer = desk.post(fields, confirm="yes")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"].isdigit()
    assert hidden(answer, "payment_id") == fields["payment_id"]
    assert 'value="Rent"' in text(answer)
    assert "The store is busy" in text(answer)
    assert desk.balances == (10_000, 0)
    assert desk.post(fields, confirm="yes").status_code == 302
    assert desk.balances == (8750, 1250)


@pytest.mark.usefixtures("impatient")
def test_an_unknown_outcome_is_never_called_failed_and_can_be_asked_for(desk: Desk) -> None:
    fields = desk.fields()
    with faults(passing, passing, then=read_timeout_after):
        answer = desk.post(fields, confirm="yes")
    assert answer.status_code == 202
    assert "not known yet" in text(answer)
    assert "failed" not in text(answer).replace("data-failed", "")
    assert fields["payment_id"].partition(":")[0] in text(answer)

    again = {name: hidden(answer, name) for name in [*fields, "confirm"]}
    done = desk.post(again)
    assert done.status_code == 302
    assert len(desk.payments) == 1
    assert desk.balances == (8750, 1250)


@pytest.mark.parametrize("role", [Role.COMPLIANCE, Role.ADMIN])
def test_who_may_not_move_money_is_refused(signed_in: SignIn, role: Role) -> None:
    desk = Desk(signed_in(Role.TELLER))
    fields = desk.fields()
    outsider = signed_in(role, username="outsider")
    assert outsider.get(NEW).status_code == 403
    assert outsider.post(NEW, fields | {"confirm": "yes"}).status_code == 403
    assert chain("person:outsider")[0].action == "access.refused"
    assert desk.balances == (10_000, 0)


def test_a_supervisor_may_move_money(signed_in: SignIn) -> None:
    desk = Desk(signed_in(Role.SUPERVISOR))
    assert desk.send().status_code == 302


def test_a_preview_of_money_between_unknown_accounts_costs_two_requests_more(desk: Desk) -> None:
    fields = desk.fields(from_account_id=desk.source.id)
    directory._numbers.clear()
    with count_requests() as seen:
        desk.post(fields)
    assert seen.operations == ["BatchGetItem", "Query", "Query", "BatchGetItem", "Query"]


def lookup(client: Client, query: str) -> str:
    answer = client.get("/admin/accounts/lookup/", {"q": query})
    assert answer.status_code == 200
    return text(answer)


def mistyped(account: Account) -> str:
    last = (int(account.account_number[-1]) + 1) % 10
    return f"{account.account_number[:-1]}{last}"


def test_an_account_is_looked_up_by_number_id_or_owner(desk: Desk) -> None:
    for query in (desk.source.account_number, desk.source.id, desk.source.customer_id):
        found = lookup(desk.client, query)
        assert "<html" not in found
        for expected in (desk.source.account_number, desk.source.customer_id, "100.00 USD"):
            assert expected in found
        assert 'data-currency="USD"' in found
    opened("d", customer_id=desk.source.customer_id)
    assert lookup(desk.client, desk.source.customer_id).count("data-choose") == 2


def test_a_lookup_that_finds_nothing_says_why(desk: Desk) -> None:
    with count_requests() as seen:
        assert "check digits do not fit" in lookup(desk.client, mistyped(desk.source))
    assert seen.operations == ["BatchGetItem", "TransactWriteItems"]
    assert "No account has this number" in lookup(desk.client, "nobody")
    assert "at most 64 characters" in lookup(desk.client, "x" * 1000)
    assert "Null characters" in lookup(desk.client, "a\x00")
    assert lookup(desk.client, "")
