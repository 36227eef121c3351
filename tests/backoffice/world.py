"""A small house with one of everything, and every address of the pages with something behind it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.test import Client
from django.urls import URLPattern, reverse
from uuid_utils import uuid7

from audit.context import Actor
from backoffice.holds.services import set_hold
from backoffice.jobs import imports
from backoffice.jobs import services as jobs
from backoffice.jobs.exports import export_order
from backoffice.jobs.services import Order
from backoffice.permissions import Role, granted
from backoffice.reviews import services as reviews
from backoffice.staff import access_review, queries, second_factor, services
from backoffice.staff.models import Staff
from dynamodb.times import utc_now
from payments import policy
from payments.alerts import cases
from payments.bulk import files
from payments.bulk.rows import REQUIRED
from payments.events import receivers
from payments.events.receivers import Receivers
from payments.events.records import DeliveryState
from payments.identifiers import new_payment_id
from payments.models import Account, Payment
from payments.policy import Policy
from tests.backoffice.deliveries import plant_delivery
from tests.backoffice.factors import with_app
from tests.backoffice.people import a_member
from tests.backoffice.test_addresses import guards, patterns
from tests.builders import opened, transferred
from tests.payments.alarms import an_alert

ME, OTHER = "someone", "another"
NO_ID = "00000000-0000-7000-8000-000000000000"
THRESHOLD = 10_000
HEADER = ",".join(REQUIRED)

Objects = Mapping[str, str]
"""What may stand in an address, by what it is to the person: known, own, foreign, unknown."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One address with something in it."""

    name: str
    what: str
    url: str
    pattern: URLPattern

    @property
    def row(self) -> str:
        return f"{self.name} {self.what}".strip()

    def is_for(self, role: Role) -> bool:
        """Whether the page behind it is shown to a role."""
        permission = guards(self.pattern, "permission")
        return self.what != "unknown" and (permission is None or permission in granted([role]))


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that addresses may name, by the name of the address or of its argument."""

    objects: Mapping[str, Objects]
    source: Account
    payment: Payment

    def sign_in(self, client: Client, proved_at: datetime | None = None) -> None:
        """Let a browser be the person's, who has shown their second factor just now."""
        client.force_login(Staff.of(services.find_staff(ME)))
        session = client.session
        session["proved_at"] = (proved_at or utc_now()).timestamp()
        session.save()

    def places(self) -> Iterator[Place]:
        """Every address, with everything that may stand in it."""
        for pattern in patterns():
            for what, value in self._behind(pattern).items():
                arguments = [value] if value else []
                if pattern.name:
                    url = reverse(f"admin:{pattern.name}", args=arguments)
                else:
                    url = f"/{pattern.pattern}"
                yield Place(name=pattern.name or url, what=what, url=url, pattern=pattern)

    def _behind(self, pattern: URLPattern) -> Objects:
        arguments = list(pattern.pattern.regex.groupindex)
        if not arguments:
            return {"": ""}
        (argument,) = arguments
        found = self.objects.get(str(pattern.name)) or self.objects.get(argument)
        return found or {"unmapped": "nothing"}


def a_world(*roles: Role) -> World:
    """A house that somebody with these roles works in, in an empty store."""
    at = utc_now()
    a_member(username=ME, roles=roles)
    with_app(ME)
    a_member(username=OTHER, roles=(Role.SUPERVISOR,))
    source = opened("source", customer_id="customer-1", balance=1_000_000)
    target = opened("target", customer_id="customer-2")
    paid = transferred(source, target, at=at, merchant_id="merchant-1").payment
    policy.configure(Policy(approval_threshold=THRESHOLD))
    requests = {
        what: transferred(
            source,
            target,
            at=asked_at,
            actor=Actor(id=person),
            amount_minor=2 * THRESHOLD,
            payment_id=new_payment_id(asked_at),
        ).payment.id
        for what, person, asked_at in (
            ("own", ME, at - timedelta(seconds=1)),
            ("foreign", OTHER, at),
        )
    }
    alert = an_alert("known", "customer-1", at=at)
    case = cases.open_case(
        name=new_payment_id(at),
        alert_id=an_alert("cased", "customer-2", at=at).id,
        reason="Looks odd",
        actor=Actor(id=OTHER),
        at=at,
    )
    day = at.date() - timedelta(days=2)
    reviews.prepare(day, actor=Actor(id=OTHER), at=at)
    seen = access_review.seen_digest(list(queries.everybody()))
    signed = access_review.sign(seen=seen, note="", actor=Actor(id=OTHER), at=at)
    people = {"own": ME, "foreign": OTHER, "unknown": "nobody"}
    payments = {"known": paid.id, "unknown": NO_ID}
    accounts = {"known": source.id, "unknown": "acc_nothing"}
    order = export_order(order_id=str(uuid7()), parameters={"scope": "account", "about": source.id})
    pack = jobs.order_job(order, actor=Actor(id=OTHER), at=at).id
    hold = set_hold(kind="account", held_id=source.id, reason="Court", actor=Actor(id=OTHER), at=at)
    made = {what: _job(person) for what, person in (("own", ME), ("foreign", OTHER))}
    file_hash = files.keep_file(f"{HEADER}\n{source.id},{target.id},1,USD\n".encode(), "x.csv")
    batches = {
        what: imports.order_import(
            f"{HEADER}\n{source.id},{target.id},{2 + number},USD\n".encode(),
            "y.csv",
            actor=Actor(id=person),
            at=at,
        ).id
        for number, (what, person) in enumerate((("own", ME), ("foreign", OTHER)))
    }
    objects: dict[str, Objects] = {
        "account_id": accounts,
        "account_viewers": {**accounts, "unknown": "no-account"},
        "alert_id": {"known": alert.id, "unknown": "alert_nothing"},
        "approval": {**requests, "unknown": NO_ID},
        "audit_chain": {
            "account": source.id,
            "person": f"staff:{OTHER}",
            "alert": alert.id,
            "unknown": "nothing",
        },
        "batch_id": {**batches, "unknown": NO_ID},
        "file_hash": {"known": file_hash, "unknown": "0" * 64},
        "case": {"known": case.id, "unknown": "case_nothing"},
        "case_id": {"known": case.id, "unknown": "case_nothing"},
        "customer_id": {"known": "customer-1", "unknown": "nobody"},
        "day": {"known": day.isoformat(), "unknown": "2999-01-01"},
        "entity_id": {"account": source.id, "person": f"staff:{OTHER}", "unknown": "nothing"},
        "factor": {"own": second_factor.APP, "unknown": "nothing"},
        "export": {"known": pack, "unknown": NO_ID},
        "export_list": {"known": "payments", "unknown": "nothing"},
        "export_download": {"known": pack, "unknown": NO_ID},
        "job_id": {**made, "pack": pack, "unknown": NO_ID},
        "list_hash": {"known": signed, "unknown": "0" * 64},
        "merchant_id": {"known": "merchant-1", "unknown": "nobody"},
        "payment_cancel": {**requests, "known": paid.id, "unknown": NO_ID},
        "payment_id": payments,
        "payment_viewers": {**payments, "unknown": "no-payment"},
        "subject": {"known": hold.subject, "unknown": "account:nothing"},
        "username": people,
    }
    objects["line"] = {"known": _dead_event(paid), "unknown": f"shop:{NO_ID}"}
    for action in ("note", "add", "close"):
        objects[f"case_{action}"] = objects["case"]
    for action in ("assign", "note", "escalate", "resolve", "case"):
        objects[f"alert_{action}"] = objects["alert_id"]
    return World(objects=objects, source=source, payment=paid)


def _dead_event(payment: Payment) -> str:
    """A delivery that a webhook has not taken."""
    at, kept = utc_now(), {"EVENT_WEBHOOKS": "shop=https://shop.example/"}
    kept["EVENT_WEBHOOK_SECRETS"] = "shop=whsec_" + "A" * 32
    receivers.configure(Receivers.from_environment(kept))
    plant_delivery(payment.id, receiver="shop", state=DeliveryState.DEAD, at=at)
    return f"shop:{payment.id}"


def _job(person: str) -> str:
    order = Order(id=str(uuid7()), kind="count", title="Count to five")
    return jobs.order_job(order, actor=Actor(id=person), at=utc_now()).id
