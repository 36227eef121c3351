"""The limit of a role on every way in that staff have: their pages and their commands."""

import io

import pytest
from django.core.management import CommandError, call_command

from backoffice.permissions import Role
from payments import policy
from payments.policy import Policy
from payments.role_limits import RoleLimits
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import errors, fresh, text
from tests.builders import opened

NEW = "/admin/transfers/new/"
ACCOUNT = {"customer_id": "c", "account_type": "checking", "currency": "USD"}


def test_a_limit_is_shared_by_all_that_a_teller_does_and_not_a_supervisor_s(
    signed_in: SignIn,
) -> None:
    ends = opened("a", balance=90_000), opened("b")
    limits = RoleLimits.parse("teller=2000/3000")
    policy.configure(Policy(role_limits=limits))
    teller = signed_in(Role.TELLER, username="ann")
    fields = {
        "from_account_id": ends[0].id,
        "to_account_id": ends[1].id,
        "amount": "20.00",
        "currency": "USD",
        "payment_id": fresh(teller, NEW, "payment_id"),
    }
    shown = text(teller.post(NEW, fields))
    assert "0.00 USD; your role allows 30.00 USD in a day, 20.00 USD at a time" in shown
    assert teller.post(NEW, fields | {"confirm": "yes"}).status_code == 302

    by_command = ("--from", ends[0].id, "--to", ends[1].id, "--amount", "10.01")
    said = ("--currency", "USD", "--operator", "ann", "--reason", "x")
    with pytest.raises(CommandError, match=r"allows 10\.00 USD more today") as refused:
        call_command("transfer", *by_command, *said, stdout=io.StringIO())
    assert refused.value.returncode == 2

    new = "/admin/accounts/new/"
    request_id = fresh(teller, new, "request_id")
    deposit = ACCOUNT | {"request_id": request_id, "opening_balance": "10.01"}
    answer = teller.post(new, deposit)
    assert answer.status_code == 422
    assert "The maker&#x27;s role allows 10.00 USD more today." in text(answer)

    more = fields | {"payment_id": fresh(teller, NEW, "payment_id"), "amount": "10.01"}
    answer = teller.post(NEW, more | {"confirm": "yes"})
    assert answer.status_code == 422
    assert errors(answer) == {"amount": ["The maker's role allows 10.00 USD more today."]}
    boss = signed_in(Role.SUPERVISOR, username="boss")
    more["payment_id"] = fresh(boss, NEW, "payment_id")
    assert boss.post(NEW, more | {"confirm": "yes"}).status_code == 302
