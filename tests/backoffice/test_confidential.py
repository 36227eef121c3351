"""Nobody but compliance learns that there is an alert or a case: not by a byte of any page.

Two worlds are the same but for that: the same people make the same payments, and in one of them
they cause alerts, which become a case. Each role walks every address in both.
"""

import copy
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse

from audit.context import Actor
from audit.models import AuditLog
from backoffice.permissions import Permission, Role, granted
from dynamodb.client import count_requests
from dynamodb.pages import Query
from dynamodb.scans import query_items
from payments import policy
from payments.alerts import cases
from payments.alerts.records import Alert, Case, Rule
from payments.alerts.services import Finding, note_alert
from payments.alerts.sweep import sweep, take_up
from payments.identifiers import new_payment_id
from payments.models import Account, Payment
from payments.wire import payment_json
from tests.backoffice.pages import fresh, text
from tests.backoffice.people import a_member
from tests.backoffice.test_addresses import guards, patterns
from tests.builders import NOON, a_request, opened, transferred
from tests.payments.alarms import an_alert
from tests.stores import NO_FOUR_EYES, _forget, _moto_tables

OTHERS = (Role.TELLER, Role.SUPERVISOR, Role.ADMIN)
MARKER = "Zyzzogeton"
CONFIDENTIAL = {Permission.READ_ALERTS, Permission.MANAGE_ALERTS}
NOTHING_LARGE = replace(
    NO_FOUR_EYES,
    large_transaction_threshold=10**15,
    suspicious_velocity_threshold=10**6,
    dormant_amount=10**15,
)
IDS = {name: new_payment_id(NOON) for name in "abcdefgh"}
ALERT = Finding(
    rule=Rule.LARGE_TRANSACTION, cause=MARKER, customer_id="c", since="", until=""
).alert_id
CASE = f"case_{IDS['g']}"
NAMED = re.compile(r"\b(alerts?|cases?|suspicious\w*|structuring)\b", re.IGNORECASE)
"""Words of it. An administrator does see what the rights of compliance are called."""

RANDOM = re.compile(
    rb'(?<=name="csrfmiddlewaretoken" value=")[^"]+|(?<=value=")[0-9a-f-]{36}:[^"]+'
)


@pytest.fixture(autouse=True)
def at_noon(moto_store: None) -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def a_world(made: dict[str, Any], *, with_alerts: bool) -> list[str]:
    """A store in which people have paid; gives ids that addresses may name."""
    _moto_tables().update(copy.deepcopy(made))
    _forget()
    policy.configure(NO_FOUR_EYES if with_alerts else NOTHING_LARGE)
    with patch("payments.accounts.new_payment_id", return_value=IDS["h"]):
        source = opened("a", customer_id="c", balance=9_000_000)
    target = opened("b", customer_id="d", account_type="merchant")
    for number, name in enumerate("abcdef"):
        request = a_request(source, target, payment_id=IDS[name], amount_minor=600_000 + number)
        transferred(
            source, target, NOON + timedelta(seconds=number), Actor(id="someone"),
            **{name: getattr(request, name) for name in ("payment_id", "amount_minor")},
            merchant_id="m",
        )  # fmt: skip
    if with_alerts:
        sweep(take_up(at=NOON + timedelta(minutes=1)))
        alert = an_alert(MARKER, "c")
        assert alert.id == ALERT
        by: dict[str, Any] = {"reason": MARKER, "actor": Actor(id="compliance1"), "at": NOON}
        note_alert(alert_id=alert.id, **by)
        cases.open_case(name=IDS["g"], alert_id=alert.id, **by)
    return [source.id, IDS["a"], "c", "m", "person:someone", "someone", ALERT, CASE]


def addresses(role: Role, names: list[str]) -> Iterator[tuple[URLPattern, str]]:
    """Every address that asks for a permission, with each of the names where it takes some.

    What the role may not see at all is asked for by one name.
    """
    for pattern in patterns():
        permission = guards(pattern, "permission")
        count = pattern.pattern.regex.groups
        chosen = names if permission in granted([role]) else names[-1:]
        for name in chosen if count else chosen[:1]:
            with suppress(NoReverseMatch):
                if permission is not None:
                    yield pattern, reverse(f"admin:{pattern.name}", args=[name] * count)


def walk(role: Role, names: list[str]) -> dict[str, tuple[int, bytes]]:
    """What a person of a role is answered under every address, and under any guess of an alert."""
    client = Client()
    client.force_login(a_member(username="someone", roles=[role]))
    seen: dict[str, tuple[int, bytes]] = {}
    for pattern, address in addresses(role, names):
        answer = client.get(address)
        if "second-factor" in address:
            continue  # its seed is drawn anew for each look
        body = bytes(answer.getvalue()).replace(answer.headers["X-Request-ID"].encode(), b"")
        seen[address] = answer.status_code, RANDOM.sub(b"", body)
        if guards(pattern, "permission") in CONFIDENTIAL:
            assert answer.status_code == 403, address
    return seen


@pytest.mark.parametrize("role", OTHERS)
def test_every_page_is_the_same_with_and_without_alerts(
    role: Role, moto_tables: tuple[Any, Any, dict[str, Any]]
) -> None:
    *_, made = moto_tables
    quiet = walk(role, a_world(made, with_alerts=False))
    assert not list(Alert.scan())
    loud = walk(role, a_world(made, with_alerts=True))
    rules = {str(alert.rule) for alert in Alert.scan()}
    assert rules >= {"large_transaction", "suspicious_velocity"}
    assert len(list(Case.scan())) == 1
    assert len(loud) > 60
    assert [address for address in quiet if loud[address] != quiet[address]] == []
    for address, (_, body) in loud.items():
        assert MARKER.encode() not in body, address
        if role != Role.ADMIN and not re.search("alert|case", address):
            assert NAMED.findall(re.sub(r"<[^>]*>", " ", body.decode(errors="ignore"))) == [], (
                address
            )


def test_a_transfer_is_answered_the_same_on_the_page_and_for_programs(
    moto_tables: tuple[Any, Any, dict[str, Any]],
) -> None:
    *_, made = moto_tables

    def answers(*, with_alerts: bool) -> list[object]:
        source_id = a_world(made, with_alerts=with_alerts)[0]
        client = Client()
        client.force_login(a_member(username="someone", roles=[Role.TELLER]))
        source = Account(id=source_id)
        target = next(each for each in Account.scan() if each.customer_id == "d")
        posted = {
            "from_account_id": source.id,
            "to_account_id": target.id,
            "amount": "20000.00",
            "currency": "USD",
            "confirm": "yes",
            "payment_id": fresh(client, "/admin/transfers/new/", "payment_id"),
        }
        with count_requests() as seen:
            answer = client.post("/admin/transfers/new/", posted)
        too_much = {**posted, "amount": "9000000.00", "payment_id": fresh(
            client, "/admin/transfers/new/", "payment_id")}  # fmt: skip
        refused = client.post("/admin/transfers/new/", too_much)
        sentences = re.findall(r'<ul class="errorlist.*?</ul>', text(refused), re.DOTALL)
        payment = Payment.get(IDS["a"], next(each.timestamp for each in Payment.query(IDS["a"])))
        return [
            answer.status_code, seen.operations, sentences, payment_json(payment).keys(),
            len(list(query_items(Query(model=AuditLog, index="user-index", partition="someone")))),
        ]  # fmt: skip

    assert answers(with_alerts=False) == answers(with_alerts=True)
    assert any(alert.amount == 2_000_000 for alert in Alert.scan())
