"""The compliance report: its figures are those of the store, in every form."""

import hashlib
import json
import re
import zlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from audit import trail
from audit.context import Actor
from audit.trail import Event
from backoffice.permissions import Role
from backoffice.presenters.report import as_text
from backoffice.report import report
from backoffice.reviews import queries as review_queries
from backoffice.reviews import services as reviews
from backoffice.reviews.records import Decision
from payments import approvals, policy
from payments.lifecycle import freeze_account
from payments.models import FrozenDirection
from payments.policy import Policy
from tests.backoffice.people import a_member, chain
from tests.builders import NOON, opened, transferred
from tests.stores import NO_FOUR_EYES

pytestmark = pytest.mark.usefixtures("moto_store")

REVIEWER = Actor(id="compliance1")
DAYS = {"from": NOON.date(), "to": NOON.date()}


def a_days_business() -> None:
    policy.configure(replace(NO_FOUR_EYES, large_transaction_threshold=100_000))
    payer, payee = opened("a", balance=900_000), opened("b")
    yens = opened("c", balance=5_000, currency="JPY")
    transferred(payer, payee, amount_minor=20_000)
    transferred(yens, opened("d", currency="JPY"), amount_minor=700, currency="JPY")
    transferred(payer, payee, amount_minor=10**9)
    policy.configure(Policy(approval_threshold=100_000))
    pending = transferred(payer, payee, amount_minor=200_000).payment
    approvals.reject_payment(
        payment_id=pending.id, reason="No", actor=Actor(id="supervisor1"), at=NOON
    )
    side = FrozenDirection.DEBITS
    freeze_account(
        account_id=payee.id, direction=side, reason="x", until=None, actor=REVIEWER, at=NOON
    )
    transferred(payer, payee, at=NOON + timedelta(days=1), amount_minor=1)


def made(**options: Any) -> dict[str, Any]:
    *_, last = report(NOON.date(), NOON.date(), at=NOON + timedelta(days=3))
    return last.data


def test_the_figures_are_those_of_the_period() -> None:
    a_days_business()
    data = made()
    assert data["totals"] == {
        "JPY": {"payments": 2, "amount": 5_700},
        "USD": {"payments": 2, "amount": 920_000},
    }
    decisions = data["decisions"]
    assert (decisions["payment.requested"], decisions["payment.rejected"]) == (1, 1)
    assert decisions["payment.failed"] == 1
    assert data["alerts"] == {"raised": {"large_transaction": 2}, "outcomes": {"open": 2}}
    locks = {name: number for name, number in data["locks"].items() if number}
    assert locks == {"account.frozen": 1}


def a_signed_day() -> None:
    """The books begin two days before noon; of the days since one is signed, one is missed."""
    event = Event(entity_id="tables:all", action="tables.created", actor=REVIEWER)
    trail.note(event, at=NOON - timedelta(days=1))
    at = NOON + timedelta(days=1)
    reviews.prepare(NOON.date(), actor=REVIEWER, at=at)
    for item in review_queries.all_items(NOON.date()):
        chosen = [item.item_id]
        reviews.decide(NOON.date(), chosen, decision=Decision.TICKED, actor=REVIEWER, at=at)
    reviews.sign(NOON.date(), actor=REVIEWER, at=at)


def test_it_proves_every_day_of_its_period() -> None:
    a_days_business()
    a_signed_day()
    first = NOON.date() - timedelta(days=2)
    *_, last = report(first, NOON.date() + timedelta(days=2), at=NOON + timedelta(days=2))
    review = review_queries.find(NOON.date())
    assert review is not None
    told: dict[str, Any] = {"signed_by": "compliance1", "signed_at": "2026-03-03T12:00:00.000000Z"}
    told |= {"lines": review.items, "digest": review.digest}
    assert last.data["reviews"] == {
        "signed": 1,
        "missed": ["2026-03-01"],
        "open": 1,
        "days": [
            {"day": "2026-03-01", "state": "missed"},
            {"day": "2026-03-02", "state": "signed", **told},
            {"day": "2026-03-03", "state": "open"},
        ],
    }
    shown = as_text(last)
    assert re.search(r"01 Mar 2026 +missed", shown)
    assert re.search(r"Sign-in locked +0", shown)
    assert f"signed by compliance1, 03 Mar 2026 12:00 UTC, {review.items} lines" in shown
    assert review.items > 0


def words_of(pdf: bytes) -> str:
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    written = b" ".join(zlib.decompress(each) for each in streams)
    return " ".join(re.findall(r"\((.*?)\) Tj", written.decode("latin-1")))


def test_it_comes_as_text_json_and_pdf_and_each_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_days_business()
    a_member(username="compliance1", roles=[Role.COMPLIANCE])
    who = {"operator": "compliance1", "reason": "Monthly"}
    with time_machine.travel(NOON + timedelta(days=3), tick=False):
        call_command("compliance_report", **DAYS, **who)
        assert "9,200.00 USD in 2 payments" in capsys.readouterr().out
        call_command("compliance_report", **DAYS, **who, json=True)
        assert json.loads(capsys.readouterr().out.splitlines()[-1]) == made()
        pdf = tmp_path / "report.pdf"
        call_command("compliance_report", **DAYS, **who, format="pdf", output=pdf)
    printed = words_of(pdf.read_bytes())
    for words in ("9,200.00 USD in 2 payments", "5,700 JPY in 2 payments", "Large transaction"):
        assert words in printed
    entries = [entry for entry in chain("person:compliance1") if entry.action == "report.made"]
    assert [(entry.new_values or {})["format"] for entry in entries] == ["pdf", "text", "text"]
    assert (entries[0].new_values or {})["sha256"] == hashlib.sha256(pdf.read_bytes()).hexdigest()


def test_bad_requests_are_said_and_no_file_is_overwritten(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="goes to a file"):
        call_command("compliance_report", **DAYS, format="pdf")
    there = tmp_path / "there"
    there.write_text("kept")
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("compliance_report", **DAYS, output=there)
    assert there.read_text() == "kept"
    with pytest.raises(CommandError, match="is after"):
        call_command(
            "compliance_report", **{"from": NOON.date() + timedelta(days=1), "to": NOON.date()}
        )


def test_a_teller_may_not_make_it() -> None:
    a_member(username="teller1")
    with pytest.raises(CommandError, match="may not do this"):
        call_command("compliance_report", **DAYS, operator="teller1", reason="Curious")
