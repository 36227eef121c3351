"""Help where it is needed: at every field, for every word, and for whoever begins."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django import forms

from backoffice import forms as every_form
from backoffice import glossary
from backoffice.forms.fields import TypedForm
from backoffice.forms.person import PasswordForm
from backoffice.permissions import Permission, Role
from backoffice.presenters.track import track
from backoffice.templatetags.backoffice import TONES
from payments.alerts.records import AlertStatus, CaseStatus
from payments.models import AccountStatus, PaymentStatus
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import text
from tests.backoffice.test_payments_pages import a_payment, stored
from tests.builders import NOON, opened

for module in pkgutil.iter_modules(every_form.__path__, f"{every_form.__name__}."):
    importlib.import_module(module.name)


def kinds_of(form: type[forms.Form]) -> Iterator[type[forms.Form]]:
    yield form
    for kind in form.__subclasses__():
        yield from kinds_of(kind)


def test_every_visible_field_of_every_form_has_a_sentence_of_help() -> None:
    kinds: list[type[forms.Form]] = [*kinds_of(TypedForm), PasswordForm]
    silent = {
        f"{kind.__name__}.{name}: {field.help_text}"
        for kind in kinds
        for name, field in kind.base_fields.items()
        if not field.widget.is_hidden and not str(field.help_text).strip().endswith((".", ">"))
    }
    assert silent == set()


@pytest.mark.parametrize(
    ("role", "addresses"),
    [
        (Role.TELLER, ["transfers/new", "accounts", "accounts/new", "payments", "find", "bulk"]),
        (Role.COMPLIANCE, ["audit", "alerts", "cases", "exports/new", "holds/new", "preferences"]),
        (Role.ADMIN, ["staff/new", "password_change"]),
    ],
)
def test_what_describes_a_field_stands_on_its_page(
    signed_in: SignIn, role: Role, addresses: list[str]
) -> None:
    client = signed_in(role)
    for address in addresses:
        page = text(client.get(f"/admin/{address}/"))
        described = {
            each for ids in re.findall('aria-describedby="([^"]*)"', page) for each in ids.split()
        }
        assert any(each.endswith("_helptext") for each in described), address
        assert described <= set(re.findall(r'\bid="([^"]*)"', page)), address


def test_every_state_that_a_page_can_show_is_explained_once() -> None:
    names = [term.name for chapter in glossary.chapters(list(Permission)) for term in chapter.terms]
    assert len(names) == len(set(names))
    states = {*TONES, *PaymentStatus, *AccountStatus, *AlertStatus, *CaseStatus}
    assert {str(state) for state in states} - set(names) == set()


def test_words_are_explained_where_they_stand_and_found(signed_in: SignIn) -> None:
    payment, account = a_payment(), opened("a")
    stored(payment)
    client = signed_in()
    help_page = text(client.get("/admin/help/"))
    anchors = set(re.findall(r'\bid="([^"]*)"', help_page))
    for address in ("payments", "accounts", f"payments/{payment.id}", f"accounts/{account.id}"):
        page = text(client.get(f"/admin/{address}/"))
        assert 'href="/admin/help/"' in page
        linked = set(re.findall('href="/admin/help/#([^"]+)"', page))
        assert linked
        assert linked <= anchors
    landed = client.get("/admin/find/", {"q": "frozen"}).headers["Location"]
    assert landed == "/admin/help/#frozen"
    assert client.get("/admin/find/", {"q": "first steps"}).headers["Location"] == (
        "/admin/help/first-steps/"
    )


def test_what_only_compliance_knows_is_explained_to_nobody_else(signed_in: SignIn) -> None:
    teller, compliance = signed_in(), signed_in(Role.COMPLIANCE, username="reviewer")
    assert 'id="escalated"' in text(compliance.get("/admin/help/"))
    assert 'id="escalated"' not in text(teller.get("/admin/help/"))
    assert "Location" not in teller.get("/admin/find/", {"q": "escalated"}).headers


@pytest.mark.parametrize("role", Role)
def test_each_role_has_first_steps_that_it_may_take(signed_in: SignIn, role: Role) -> None:
    client = signed_in(role)
    assert 'href="/admin/help/first-steps/"' in text(client.get("/admin/"))
    page = text(client.get("/admin/help/first-steps/"))
    assert re.findall("Your work as (\\w+)", page) == [role]
    steps = re.findall(r'<li>\s*<a href="([^"]*)">', page.partition('<ol class="steps">')[2])
    assert len(steps) >= 5
    assert {client.get(address).status_code for address in steps} == {200}


@pytest.mark.parametrize("role", [Role.TELLER, Role.COMPLIANCE])
def test_a_system_without_accounts_says_what_to_do_first(signed_in: SignIn, role: Role) -> None:
    client, may = signed_in(role), role == Role.TELLER
    for address, button in (
        ("/admin/", "/admin/accounts/new/"),
        ("/admin/accounts/", "/admin/accounts/new/"),
        ("/admin/payments/", "/admin/transfers/new/"),
    ):
        empty = text(client.get(address)).partition('<div class="empty">')[2].partition("</div>")[0]
        assert empty, address
        assert (f'class="button" href="{button}"' in unescape(empty)) == may, address


DONE = "Requested by teller1, done; Processed no approval was needed, done"


def by(**values: Any) -> dict[str, Any]:
    return {"requested_by": "teller1", "updated_at": NOON, **values}


@pytest.mark.parametrize(
    ("payment", "steps"),
    [
        (by(status="pending", triggers=["large"], reserved=1),
         "Requested by teller1, done; Waits for approval, now; Processed not yet, ahead"),
        (by(status="pending", scheduled_for="2026-04-01"),
         "Requested by teller1, done; Scheduled for 2026-04-01, now; Processed not yet, ahead"),
        (by(status="processed"),
         DONE),
        (by(status="processed", triggers=["large"], approved_by="supervisor1"),
         "Requested by teller1, done; Approved by supervisor1, done; Processed, done"),
        (by(status="processed", reversed_by="x", reversed_amount=2500),
         f"{DONE}; Reversed, bad"),
        (by(status="processed", reversed_by="x", reversed_amount=500),
         f"{DONE}; Reversed in part, bad"),
        (by(status="failed", failure_code="rejected", ended_by="supervisor1", triggers=["large"]),
         "Requested by teller1, done; Rejected by supervisor1, bad"),
        (by(status="failed", failure_code="expired"), "Requested by teller1, done; Expired, bad"),
        (by(status="canceled", failure_code="canceled", ended_by="teller1"),
         "Requested by teller1, done; Canceled by teller1, bad"),
        (by(status="failed", failure_code="insufficient_funds"),
         "Requested by teller1, done; Failed, bad"),
    ],
)  # fmt: skip
def test_a_payment_shows_its_states_in_words(payment: dict[str, Any], steps: str) -> None:
    shown = track(a_payment(**payment))
    told = "; ".join(f"{f'{each.name} {each.note}'.strip()}, {each.tone}" for each in shown)
    assert told == steps
    known = {term.anchor for each in glossary.chapters(list(Permission)) for term in each.terms}
    assert {each.term for each in shown} <= known
