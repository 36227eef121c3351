"""Whoever reads is remembered, in one request, and sees nothing where that fails."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from django.test import Client

from audit.models import AuditHead, AuditLog
from audit.verify import verify_chain
from backoffice.permissions import Role
from backoffice.staff.records import SessionRecord
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.pages import Query
from dynamodb.scans import query_items
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import text
from tests.backoffice.people import a_member, chain
from tests.builders import opened, transferred
from tests.dynamodb.faults import Fault, Send, faults, read_timeout_after, refusal, unreachable

moto = pytest.mark.usefixtures("moto_store")


def read(entries: list[AuditLog]) -> list[tuple[str, str, object]]:
    return [(entry.action, entry.user_id, entry.new_values) for entry in entries]


def head(entity_id: str) -> AuditHead:
    found = store.get(AuditHead(entity_id=entity_id))
    assert found is not None
    return found


@moto
def test_a_look_at_one_record_is_an_entry_of_its_views(signed_in: SignIn) -> None:
    source, target = opened("a", balance=5_00), opened("b")
    payment = transferred(source, target, amount_minor=100).payment
    client = signed_in(Role.SUPERVISOR)
    for address, entity_id, action in (
        (f"accounts/{source.id}", source.id, "account.viewed"),
        (f"accounts/{source.id}/freeze", source.id, "account.viewed"),
        (f"payments/{payment.id}", payment.id, "payment.viewed"),
        (f"payments/{payment.id}/reverse", payment.id, "payment.viewed"),
        ("customers/customer-a", "customer:customer-a", "customer.viewed"),
        (f"audit/{target.id}", target.id, "audit.viewed"),
    ):
        before = len(chain(f"views:{entity_id}"))
        assert client.get(f"/admin/{address}/").status_code == 200
        entry, *others = chain(f"views:{entity_id}")
        assert len(others) == before
        assert (entry.action, entry.user_id, entry.ip_address) == (action, "someone", "127.0.0.1")
        assert head(f"views:{entity_id}").audit_seq == entry.seq == before + 1


@moto
def test_a_number_and_an_id_lead_to_the_same_views(signed_in: SignIn) -> None:
    account, client = opened("a"), signed_in()
    for name in (account.id, account.account_number):
        client.get(f"/admin/accounts/{name}/")
    assert [entry.seq for entry in chain(f"views:{account.id}")] == [2, 1]


@moto
def test_a_look_at_who_looked_belongs_to_the_same_views(signed_in: SignIn) -> None:
    account, client = opened("a"), signed_in(Role.COMPLIANCE)
    client.get(f"/admin/accounts/{account.id}/")
    assert "Account viewed" in text(client.get(f"/admin/audit/views:{account.id}/"))
    assert [entry.action for entry in chain(f"views:{account.id}")] == [
        "audit.viewed",
        "account.viewed",
    ]


@moto
def test_searches_and_looks_at_the_trail_are_the_persons_own(signed_in: SignIn) -> None:
    client = signed_in(Role.COMPLIANCE)
    for address in (
        "/admin/accounts/",
        "/admin/payments/",
        "/admin/accounts/?customer_id=c-1&status=active&account_type=",
        "/admin/payments/?customer_id=4111 1111 1111 1111",
        "/admin/accounts/lookup/?q=c-2",
        "/admin/audit/",
    ):
        assert client.get(address).status_code == 200
    assert read(chain("person:someone")) == [
        ("audit.viewed", "someone", None),
        ("account.searched", "someone", {"q": "c-2"}),
        ("payment.searched", "someone", {"customer_id": "411111******1111"}),
        ("account.searched", "someone", {"customer_id": "c-1", "status": "active"}),
        ("person.signed_in", "someone", None),
    ]
    assert "Searched for" in client.get("/admin/audit/person:someone/").content.decode()


@moto
def test_an_entry_stays_small_whatever_stands_in_the_address(signed_in: SignIn) -> None:
    more = "".join(f"&x{number}={'y' * 3000}" for number in range(90))
    assert signed_in().get(f"/admin/accounts/?customer_id=c{more}").status_code == 200
    assert len(str(chain("person:someone")[0].serialize())) < 4000


@moto
@pytest.mark.parametrize(
    "address",
    ["accounts/acc_nowhere", "payments/nowhere", "audit/nowhere", "customers/nobody", "accounts"],
)
def test_what_shows_nothing_leaves_no_view(signed_in: SignIn, address: str) -> None:
    client = signed_in(Role.TELLER)
    client.get(f"/admin/{address}/?status=nonsense&cursor=nonsense")
    client.get(f"/admin/{address}/")
    assert {entry.action for entry in chain("person:someone")} <= {
        "access.refused",
        "person.signed_in",
    }
    name = address.partition("/")[2]
    assert chain(f"views:{name}") == chain(f"views:customer:{name}") == []


@moto
def test_the_view_costs_one_request_which_moves_the_last_seen_time_too(signed_in: SignIn) -> None:
    account, client = opened("a"), signed_in()
    key = SessionRecord(session_key=client.session.session_key)
    before = store.get(key)
    with count_requests() as seen:
        client.get(f"/admin/accounts/{account.id}/")
    after = store.get(key)
    assert seen.operations[-1:] == ["TransactWriteItems"]
    assert seen.operations.count("TransactWriteItems") == 1
    assert before is not None
    assert after is not None
    assert after.last_seen_at > before.last_seen_at
    assert after.data == before.data


@moto
@pytest.mark.parametrize("fault", [unreachable, read_timeout_after, refusal("ThrottlingException")])
def test_a_page_that_cannot_be_recorded_is_not_shown(
    signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr("audit.trail.NOTE_SECONDS", 0.01)
    account, client = opened("a", balance=123_45), signed_in()

    def of_writes(request: AWSPreparedRequest, send: Send) -> AWSResponse:
        is_write = b"TransactWriteItems" in request.headers["X-Amz-Target"]
        return fault(request, send) if is_write else send()

    with faults(then=of_writes):
        answer = client.get(f"/admin/accounts/{account.id}/")
    assert answer.status_code == 503
    assert "without that it is not shown" in text(answer)
    assert "123.45" not in text(answer)
    assert "Retry-After" in answer.headers


@moto
def test_reading_does_not_crowd_what_one_has_done_on_the_dashboard(signed_in: SignIn) -> None:
    account, client = opened("a"), signed_in()
    for _ in range(15):
        client.get(f"/admin/accounts/{account.id}/")
    page = text(client.get("/admin/"))
    assert "Signed in" in page
    assert "Account viewed" not in page


@pytest.mark.integration
@pytest.mark.usefixtures("local_store")
def test_twenty_looks_at_once_are_twenty_entries_of_a_whole_chain() -> None:
    account, client = opened("a"), Client()
    client.force_login(a_member())

    def look(_: int) -> int:
        browser = Client()
        browser.cookies = client.cookies
        return browser.get(f"/admin/accounts/{account.id}/").status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(look, range(20))) == {200}
    name = f"views:{account.id}"
    entries = list(query_items(Query(model=AuditLog, partition=name, newest_first=False)))
    assert len(entries) == 20
    assert list(verify_chain(entries, head(name).head)) == []
