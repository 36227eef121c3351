"""Legal holds: what they reach, in whichever order things happen; two people to release one."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from audit import archive, bucket, holds, seals, trail
from audit.context import Actor
from audit.models import Archive, Hold, HoldStatus
from audit.replay import read_chain
from audit.trail import Event
from audit.verification import verify_entity
from backoffice.holds import services
from backoffice.permissions import Role
from dynamodb import scans, store
from dynamodb.client import count_requests
from payments.models import Account
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import errors, text
from tests.builders import opened, transferred

MONTH = "2026-03"
NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
AT = datetime(2026, 4, 2, tzinfo=UTC)
ONE, OTHER = Actor(id="compliance1"), Actor(id="compliance2")
ARCHIVER = Actor(id="system:archive_audit")
NEW = "/admin/holds/new/"


@pytest.fixture(autouse=True)
def whole_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "SEGMENTS", 1)


def seal_all() -> None:
    for day in seals.due_days(at=AT):
        seals.seal_day(day, actor=ARCHIVER, at=AT)


@pytest.fixture
def account(archive: None) -> Account:
    """An account of a month that is sealed and not archived."""
    made = opened("march", balance=5000, at=NOON)
    transferred(made, opened("other", at=NOON), at=NOON + timedelta(days=1))
    seal_all()
    return made


def archive_all() -> None:
    for month in archive.due_months():
        archive.archive_month(month, actor=ARCHIVER, at=AT, on_day=lambda _: None)


def held() -> set[bool]:
    """Whether the objects that hold records are held: one answer, unless they differ."""
    return {bucket.is_held(key) for key in holds.part_keys(MONTH)}


def set_hold(kind: str, held_id: str, actor: Actor = ONE) -> Hold:
    return services.set_hold(kind=kind, held_id=held_id, reason="court", actor=actor, at=AT)


def released(subject: str) -> Hold:
    services.ask_release(subject=subject, reason="ended", actor=ONE, at=AT)
    return services.release(subject=subject, actor=OTHER, at=AT)


@pytest.mark.parametrize("kind", ["account", "customer"])
@pytest.mark.parametrize("is_archived_before", [True, False])
def test_a_hold_reaches_what_is_archived_and_what_will_be(
    account: Account, kind: str, is_archived_before: bool
) -> None:
    if is_archived_before:
        archive_all()
        assert held() == {False}
    hold = set_hold(kind, account.id if kind == "account" else account.customer_id)
    assert hold.applied_at == AT
    archive_all()
    assert held() == {True}


def test_a_hold_leaves_alone_what_is_older_than_its_records(account: Account) -> None:
    archive_all()
    older = "archive/2026-02/2026-02-28.jsonl.gz"
    assert bucket.put_once(older, io.BytesIO(b"x"), retain_until=AT + timedelta(days=1))
    set_hold("account", account.id)
    assert (bucket.is_held(older), held()) == (False, {True})


def test_a_hold_set_between_the_writing_of_an_object_and_the_look_at_holds_reaches_it(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_once = bucket.put_once

    def busy(key: str, *arguments: Any, **options: Any) -> bool:
        done = put_once(key, *arguments, **options)
        if key.endswith(".jsonl.gz") and not holds.in_force():
            monkeypatch.setattr(bucket, "put_once", put_once)
            set_hold("account", account.id)
        return done

    monkeypatch.setattr(bucket, "put_once", busy)
    archive_all()
    assert held() == {True}


def test_an_object_written_after_a_hold_has_listed_them_is_held_by_its_writer(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = holds.apply

    def slow(hold: Hold) -> None:
        apply(hold)
        archive_all()

    monkeypatch.setattr(holds, "apply", slow)
    set_hold("account", account.id)
    assert held() == {True}


def test_a_hold_whose_setting_was_interrupted_is_finished_by_the_next_archiving(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_all()

    def unreachable(*_: Any, **__: Any) -> None:
        raise bucket.ArchiveError("The archive did not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "hold", unreachable)
        with pytest.raises(bucket.ArchiveError):
            set_hold("account", account.id)
    assert held() == {False}
    assert [hold.subject for hold in holds.in_force()] == [f"account:{account.id}"]
    assert run()["holds_applied"] == [f"account:{account.id}"]
    assert held() == {True}


def test_a_release_that_was_interrupted_is_finished_by_the_next_archiving(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_all()
    subject = set_hold("account", account.id).subject

    def unreachable(*_: Any, **__: Any) -> None:
        raise bucket.ArchiveError("The archive did not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "hold", unreachable)
        with pytest.raises(bucket.ArchiveError):
            released(subject)
    assert (held(), holds.in_force()) == ({True}, [])
    assert run()["holds_applied"] == [subject]
    assert held() == {False}
    assert run()["holds_applied"] == []


def test_a_release_takes_two_people_and_lifts_the_hold(account: Account) -> None:
    archive_all()
    subject = set_hold("account", account.id).subject
    with pytest.raises(services.NoReleaseAsked):
        services.release(subject=subject, actor=OTHER, at=AT)
    services.ask_release(subject=subject, reason="ended", actor=ONE, at=AT)
    with pytest.raises(services.SameReviewer):
        services.release(subject=subject, actor=ONE, at=AT)
    assert held() == {True}
    services.release(subject=subject, actor=OTHER, at=AT)
    assert held() == {False}
    actions = [entry["action"]["S"] for entry in read_chain(f"hold:{subject}")]
    assert actions == [
        "hold.set", "hold.applied", "hold.release_requested", "hold.released", "hold.lifted",
    ]  # fmt: skip
    assert verify_entity(f"hold:{subject}").faults == set()
    with pytest.raises(services.NotInForce):
        services.ask_release(subject=subject, reason="again", actor=ONE, at=AT)


def test_that_the_two_differ_is_a_condition_of_the_write(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the check before it is taken in: the record read names somebody else."""
    subject = set_hold("account", account.id).subject
    services.ask_release(subject=subject, reason="ended", actor=ONE, at=AT)
    read = store.get

    def deceived(key: Any) -> Any:
        found = read(key)
        if isinstance(found, Hold):
            return found.with_changes({"release_asked_by": "somebody"})
        return found

    with monkeypatch.context() as lie:
        lie.setattr(store, "get", deceived)
        with pytest.raises(services.SameReviewer):
            services.release(subject=subject, actor=ONE, at=AT)
    assert [hold.status for hold in holds.in_force()] == [HoldStatus.RELEASE_ASKED]


def test_what_another_hold_covers_stays_held(account: Account) -> None:
    archive_all()
    mine = set_hold("account", account.id)
    set_hold("customer", account.customer_id)
    released(mine.subject)
    assert held() == {True}


def test_a_hold_set_while_another_is_lifted_is_not_lifted_with_it(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_all()
    mine = set_hold("account", account.id)
    services.ask_release(subject=mine.subject, reason="ended", actor=ONE, at=AT)
    in_force = holds.in_force
    calls: list[None] = []

    def busy() -> list[Hold]:
        found = in_force()
        calls.append(None)
        if len(calls) == 1:
            set_hold("customer", account.customer_id)
        return found

    monkeypatch.setattr(holds, "in_force", busy)
    services.release(subject=mine.subject, actor=OTHER, at=AT)
    assert held() == {True}


def test_what_was_released_can_be_held_again(account: Account) -> None:
    archive_all()
    subject = set_hold("account", account.id).subject
    with pytest.raises(services.HoldInForce):
        set_hold("account", account.account_number)
    released(subject)
    again = set_hold("account", account.id, OTHER)
    assert (str(again.status), again.set_by) == ("in force", "compliance2")
    assert not again.release_asked_by
    assert held() == {True}


def a_case(name: str, customer_id: str) -> None:
    event = Event(entity_id=name, entity_type="case", action="case.opened", actor=ONE)
    trail.note(event, at=NOON, values={"customer_id": customer_id})


def test_a_case_holds_what_there_is_of_its_customer(account: Account) -> None:
    a_case("case-1", account.customer_id)
    hold = set_hold("case", "case-1")
    assert (hold.customer_id, hold.since_month) == (account.customer_id, "2026-03")


@pytest.mark.parametrize("kind", ["account", "customer", "case"])
def test_what_nobody_knows_cannot_be_held(account: Account, kind: str) -> None:
    with pytest.raises(services.NothingToHold):
        set_hold(kind, "nobody")
    assert holds.in_force() == []


def asked(client: Any, **fields: str) -> Any:
    return client.post(NEW, {"kind": "account", "reason": "court order", **fields})


def test_a_hold_is_set_on_the_page_after_a_confirmation(
    account: Account, signed_in: SignIn
) -> None:
    archive_all()
    client = signed_in(Role.COMPLIANCE)
    shown = text(asked(client, held_id=account.id))
    assert "Set this hold?" in shown
    assert holds.in_force() == []
    unknown = asked(client, held_id="nobody")
    assert (unknown.status_code, list(errors(unknown))) == (422, ["held_id"])
    answer = asked(client, held_id=account.id, confirm="yes")
    assert answer.headers["Location"] == "/admin/holds/"
    assert f"account:{account.id}" in text(client.get("/admin/holds/"))
    assert held() == {True}
    again = asked(client, held_id=account.id, confirm="yes")
    assert (again.status_code, errors(again)["held_id"]) == (
        422,
        ["There is a hold on this already."],
    )


def test_one_reviewer_asks_and_another_confirms(account: Account, signed_in: SignIn) -> None:
    one, other = signed_in(Role.COMPLIANCE), signed_in(Role.COMPLIANCE, username="other")
    asked(one, held_id=account.id, confirm="yes")
    address = f"/admin/holds/account:{account.id}/release/"
    assert one.post(address, {"reason": ""}).status_code == 422
    one.post(address, {"reason": "the court has decided"})
    refused = one.post(address)
    assert refused.status_code == 422
    assert "Whoever asked for the release may not confirm it" in text(refused)
    assert "Confirm the release" in text(other.get(address))
    other.post(address)
    assert holds.in_force() == []
    assert "Nothing is held." in text(one.get("/admin/holds/"))
    assert f"account:{account.id}" in text(one.get("/admin/holds/?released"))
    assert one.get("/admin/holds/account:nobody/release/").status_code == 404


def test_records_say_until_when_they_are_kept_and_what_holds_them(
    account: Account, signed_in: SignIn
) -> None:
    other = opened("third", customer_id="customer-other", at=NOON)
    payment = transferred(account, other, at=NOON).payment
    client = signed_in(Role.COMPLIANCE)
    addresses = [f"/admin/accounts/{account.id}/", f"/admin/payments/{payment.id}/"]
    addresses += [f"/admin/audit/{record}/" for record in (account.id, payment.id)]
    for address in addresses:
        shown = text(client.get(address))
        assert "Kept at least until" in shown
        assert "2,555 days after" in shown
        assert "badge-waiting" not in shown
    set_hold("customer", account.customer_id)
    whole = [address for address in addresses if "/payments/" not in address]
    for address in whole:
        assert "on the customer" in text(client.get(address))
        assert "court" in text(client.get(address))
    assert text(client.get(f"{addresses[1]}holds/")) == "held, on the customer"
    with count_requests() as requests:
        client.get(addresses[3])
    assert len(requests) <= 6
    for name, customer_id in (("case-1", account.customer_id), ("case-2", other.customer_id)):
        a_case(name, customer_id)
        set_hold("case", name)
    for address in (addresses[0], addresses[2]):
        assert text(client.get(address)).count("on the case") == 1
    on_payment = text(client.get(f"{addresses[1]}holds/"))
    assert on_payment == "held, on the customer, held, on the case, held, on the case"
    assert text(client.get(addresses[3])).count("on the case") == 2
    set_hold("customer", other.customer_id)
    assert text(client.get(addresses[3])).count("on the customer") == 2
    assert text(client.get(f"{addresses[1]}holds/")).count("on the customer") == 2
    assert "Legal hold" in text(client.get(addresses[2]))
    for chain in ("person:supervisor", "hold:case:case-1"):
        assert "none on it" not in text(client.get(f"/admin/audit/{chain}/"))
    supervisor = signed_in(Role.SUPERVISOR, username="supervisor")
    for address in (addresses[0], f"{addresses[1]}holds/", *addresses[2:]):
        assert "case" not in text(supervisor.get(address))
    teller = text(signed_in(username="teller").get(addresses[0]))
    assert ("on the customer" in teller, "court" in teller) == (True, False)


def run(*options: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("archive_audit", "--json", *options, stdout=out, stderr=io.StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_the_command_archives_what_is_due_and_rehearses_a_month(account: Account) -> None:
    assert run()["archived"] == [MONTH]
    assert run()["archived"] == []
    answer = run("--rehearse")
    assert (answer["month"], answer["faults"]) == (MONTH, [])
    kept = store.get(Archive(month=answer["month"]))
    assert kept is not None
    assert kept.rehearsal_faults == 0
