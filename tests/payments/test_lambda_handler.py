"""The service for programs: each promise of its interface, asked as API Gateway asks."""

import logging
from typing import Any

import pytest

from audit.models import AuditLog, EntryOutcome, Severity
from dynamodb.client import count_requests
from payments import policy
from payments.alerts.records import Alert, Rule
from payments.http import strangers
from payments.models import Account, IdempotencyKey, Payment, PaymentStatus
from tests.bank import check_bank
from tests.builders import a_request, opened
from tests.payments.gateway import EVERYTHING, ask, ask_transfer, v1, v2

pytestmark = pytest.mark.usefixtures("moto_store")


@pytest.fixture(autouse=True)
def allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "_allowance", strangers.Allowance())


@pytest.fixture
def source() -> Account:
    return opened("a", balance=5000)


@pytest.fixture
def target() -> Account:
    return opened("b")


def a_body(source: Account, target: Account, **values: Any) -> dict[str, Any]:
    ends = {"from_account_id": source.id, "to_account_id": target.id}
    return {**ends, "amount": 1000, "currency": "USD"} | values


def balance(account: Account) -> int:
    return int(ask(v2("GET", f"/accounts/{account.id}")).body["balance"])


def made_by_programs() -> list[Payment]:
    return [payment for payment in Payment.scan() if (payment.requested_by or "")[:4] == "api:"]


def entries(action: str) -> list[AuditLog]:
    return [entry for entry in AuditLog.scan() if entry.action == action]


@pytest.mark.parametrize("make", [v1, v2])
def test_a_transfer_and_what_can_be_read_of_it(make: Any, source: Account, target: Account) -> None:
    made = ask_transfer(a_body(source, target, description="tea", merchant_id=""), make=make)
    assert made.status == 201
    assert made.body["status"] == "processed"
    assert (made.body["amount"], made.body["description"]) == (1000, "tea")
    assert made.body["requested_by"] == "api:shop"
    assert "merchant_id" not in made.body
    assert ask(make("GET", f"/payments/{made.body['id']}")).body == made.body
    listed = ask(make("GET", f"/customers/{source.customer_id}/payments")).body
    assert (listed["payments"][0], listed["next_cursor"]) == (made.body, "")
    for name in (source.id, source.account_number):
        account = ask(make("GET", f"/accounts/{name}"))
        assert (account.status, account.body["id"]) == (200, source.id)
        assert (account.body["balance"], account.body["available"]) == (4000, 4000)
    assert balance(target) == 1000
    assert check_bank().faults == []


def test_the_entries_name_the_program_and_where_it_called_from(
    source: Account, target: Account
) -> None:
    ask_transfer(a_body(source, target), make=v1)
    (entry,) = (entry for entry in entries("payment.processed") if entry.user_id == "api:shop")
    assert (entry.ip_address, entry.user_agent) == ("192.0.2.1", "shop/1")
    assert entry.request_id == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def test_the_same_key_is_the_same_payment(source: Account, target: Account) -> None:
    first = ask_transfer(a_body(source, target))
    again = ask_transfer(a_body(source, target), make=v1)
    assert (again.status, again.body) == (200, first.body)
    assert balance(source) == 4000
    other = ask_transfer(a_body(source, target, amount=999))
    assert (other.status, other.code) == (409, "key_reused")
    assert ask_transfer(a_body(source, target), key="k2").body["id"] != first.body["id"]
    assert balance(source) == 3000


def test_each_caller_has_keys_of_its_own(source: Account, target: Account) -> None:
    callers = [{**EVERYTHING, "sub": name} for name in ("a", "b", "a:k1", "a\\")]
    made = [ask_transfer(a_body(source, target), claims=claims) for claims in callers]
    assert [each.status for each in made] == [201] * 4
    assert len({each.body["id"] for each in made}) == 4


def test_a_refusal_is_as_final_as_a_payment(source: Account, target: Account) -> None:
    first = ask_transfer(a_body(source, target, amount=9000))
    assert first.status == 422
    assert first.body == {
        "error": "The source account has 50.00 USD available.",
        "code": "insufficient_funds",
        "field": "amount",
    }
    ask_transfer(a_body(source, target, amount=1), key="k2")
    assert ask_transfer(a_body(source, target, amount=9000)).body == first.body
    assert len(made_by_programs()) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"from_account_id": "acc_none"}, "source_not_found"),
        ({"to_account_id": "acc_none"}, "destination_not_found"),
        ({"currency": "EUR"}, "currency_mismatch"),
        ({"customer_id": "somebody else"}, "customer_mismatch"),
    ],
)
def test_what_a_rule_refuses(
    changes: dict[str, Any], code: str, source: Account, target: Account
) -> None:
    refused = ask_transfer(a_body(source, target, **changes))
    assert (refused.status, refused.code) == (422, code)


def test_what_needs_approval_is_pending(source: Account, target: Account) -> None:
    policy.configure(policy.Policy(approval_threshold=500))
    made = ask_transfer(a_body(source, target))
    assert (made.status, made.body["status"]) == (201, "pending")
    assert ask_transfer(a_body(source, target)).status == 200
    assert (balance(source), balance(target)) == (5000, 0)


DEEP = "[" * 100_000
BODY = '{"from_account_id":"acc_1","to_account_id":"acc_2","currency":"USD",'


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        (None, "invalid_body", "body"),
        ("", "invalid_body", "body"),
        ("[]", "invalid_body", "body"),
        ("{", "invalid_body", "body"),
        (DEEP, "invalid_body", "body"),
        ('{"description":' * 50_000, "invalid_body", "body"),
        ("\ufeff{}", "invalid_body", "body"),
        (BODY + '"amount":1,"amount":2}', "invalid_field", "amount"),
        (BODY + '"amount":1.5}', "invalid_amount", "amount"),
        (BODY + '"amount":1e2}', "invalid_amount", "amount"),
        (BODY + '"amount":NaN}', "invalid_amount", "amount"),
        (BODY + '"amount":-Infinity}', "invalid_amount", "amount"),
        (BODY + '"amount":true}', "invalid_amount", "amount"),
        (BODY + '"amount":"1000"}', "invalid_amount", "amount"),
        (BODY + '"amount":null}', "invalid_amount", "amount"),
        (BODY + '"amount":0}', "invalid_amount", "amount"),
        (BODY + '"amount":-1}', "invalid_amount", "amount"),
        (BODY + '"amount":1000000000000000}', "invalid_amount", "amount"),
        (BODY + '"amount":' + "9" * 5000 + "}", "invalid_amount", "amount"),
        (BODY + '"amount":1,"description":7}', "invalid_field", "description"),
        (BODY + '"amount":1,"description":null}', "invalid_field", "description"),
        (BODY + '"amount":1,"description":{"a":[1]}}', "invalid_field", "description"),
        (BODY + r'"amount":1,"description":"\ud800"}', "invalid_field", "description"),
        (BODY + r'"amount":1,"description":"a\u0000b"}', "invalid_field", "description"),
        (BODY + '"amount":1,"description":"' + "x" * 141 + '"}', "invalid_field", "description"),
        (BODY + '"amount":1,"customer_id":"' + "x" * 65 + '"}', "invalid_field", "customer_id"),
        (BODY + '"amount":1,"descripton":"x"}', "invalid_field", "descripton"),
        (BODY + r'"amount":1,"\ud800\n":"x"}', "invalid_field", "body"),
        (BODY + '"currency":"XXX"}', "invalid_field", "currency"),
        (BODY[:-1] + "}", "missing_field", "amount"),
        ('{"amount":1,"from_account_id":""}', "missing_field", "from_account_id"),
    ],
)
def test_a_body_that_is_not_certain_to_be_meant(text: str | None, code: str, field: str) -> None:
    for make in (v1, v2):
        refused = ask_transfer(text, make=make)
        assert (refused.status, refused.code, refused.body["field"]) == (400, code, field)
    (entry, _) = entries("transfer.refused")
    assert entry.entity_id == "person:api:shop"
    assert entry.new_values["code"] == code
    assert not made_by_programs()


def test_what_is_malformed_uses_no_key_up(source: Account, target: Account) -> None:
    assert ask_transfer(a_body(source, target, amount=0)).status == 400
    assert ask_transfer(a_body(source, target)).status == 201


def test_a_body_in_another_encoding(source: Account, target: Account) -> None:
    event = v1("POST", "/transfers", body="{}", headers={"Idempotency-Key": "k"})
    for body in ("77+977+9", "/w==", "not base64!", "ä"):
        assert ask(event | {"body": body}).code == "invalid_body"
    assert ask(event | {"body": "x" * 1_000_001, "isBase64Encoded": False}).status == 413


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "schlüssel", "a\nb"])
def test_a_transfer_needs_a_name(key: str, source: Account, target: Account) -> None:
    refused = ask_transfer(a_body(source, target), key=key)
    assert refused.status == 400
    assert refused.body["field"] == "Idempotency-Key"


def test_pages_of_payments(source: Account, target: Account) -> None:
    made = [ask_transfer(a_body(source, target), key=f"k{n}").body["id"] for n in range(5)]
    address = f"/customers/{source.customer_id}/payments"
    seen, cursor = [], ""
    while True:
        with count_requests() as sent:
            page = ask(v1("GET", address, query={"limit": "2", "cursor": cursor})).body
        assert len(sent) <= 2
        seen += [payment["id"] for payment in page["payments"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert sorted(seen) == sorted(made)
    assert len(set(seen)) == 5


@pytest.mark.parametrize(
    ("query", "field"),
    [({"limit": limit}, "limit") for limit in ("0", "101", "1.5", "-1", "many", "٣", "9" * 5000)]
    + [({"cursor": cursor}, "cursor") for cursor in ("x", ".", "\ud800", "\0")],
)
def test_a_page_that_there_is_not(query: dict[str, str], field: str) -> None:
    refused = ask(v2("GET", "/customers/c/payments", query=query))
    assert (refused.status, refused.body["field"]) == (400, field)
    assert len(entries("access.refused")) == 1


def test_a_cursor_is_its_callers(source: Account, target: Account) -> None:
    for key in ("k1", "k2"):
        ask_transfer(a_body(source, target), key=key)
    address, one = f"/customers/{source.customer_id}/payments", {"limit": "1"}
    cursor = ask(v2("GET", address, query=one)).body["next_cursor"]
    other = {**EVERYTHING, "sub": "other"}
    stolen = ask(v2("GET", address, query={**one, "cursor": cursor}, claims=other))
    assert (stolen.status, stolen.code) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/transfers/", 404, None),
        ("GET", "/payments/", 404, None),
        ("GET", "/payments/nope", 404, None),
        ("GET", "/payments/0190b5f0-0000-7000-8000-000000000000", 404, None),
        ("GET", "/accounts/\ud800", 404, None),
        ("GET", "/accounts/%ff", 404, None),
        ("GET", "/transfers", 405, "POST"),
        ("DELETE", "/payments/x", 405, "GET"),
        ("HEAD", "/health", 405, "GET"),
        ("GET", "/customers/%00/payments", 400, None),
        ("GET", "/customers/a%2Fb/payments", 200, None),
        ("get", "/health", 200, None),
    ],
)
def test_addresses(method: str, path: str, status: int, allow: str | None) -> None:
    for make in (v1, v2):
        answered = ask(make(method, path))
        assert (answered.status, answered.headers.get("Allow")) == (status, allow)


def test_a_stage_in_the_path() -> None:
    event = v2("GET", "/staging/health")
    event["requestContext"]["stage"] = "staging"
    assert ask(event).status == 200


def test_health_needs_neither_caller_nor_store() -> None:
    with count_requests() as sent:
        assert ask(v2("GET", "/health", claims=None)).body == {"status": "ok"}
    assert len(sent) == 0


def test_without_a_caller(source: Account, target: Account) -> None:
    for event in (v1("GET", f"/accounts/{source.id}", claims=None), v2("POST", "/transfers")):
        event["requestContext"].pop("authorizer", None)
        answered = ask(event)
        assert (answered.status, answered.code) == (401, "unauthenticated")
        assert answered.headers["WWW-Authenticate"] == "Bearer"
    for entry in entries("access.refused"):
        assert entry.entity_id.startswith("unknown:")
        assert (entry.outcome, entry.severity) == (EntryOutcome.FAILURE, Severity.WARNING)
        assert entry.ip_address == "192.0.2.1"


def test_a_flood_of_strangers_is_no_flood_of_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    with count_requests() as sent:
        for _ in range(50):
            assert ask(v2("GET", "/payments/x", claims=None)).status == 401
    assert len(entries("access.refused")) == strangers.ENTRIES_A_MINUTE
    assert len(sent) <= 2 * strangers.ENTRIES_A_MINUTE
    strangers._allowance._began = None  # a minute later
    ask(v2("GET", "/payments/x", claims=None))
    left_out = [entry.new_values.get("left_out") for entry in entries("access.refused")]
    assert sorted(filter(None, left_out)) == [40]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [("GET", "/accounts/x", "payments/write"), ("POST", "/transfers", "payments/read")],
)
def test_a_scope_for_each_thing(method: str, path: str, scope: str) -> None:
    refused = ask(v2(method, path, claims={**EVERYTHING, "scope": scope}, body={"secret": "s"}))
    assert (refused.status, refused.code) == (403, "forbidden")
    (entry,) = entries("access.refused")
    assert entry.entity_id == "person:api:shop"
    assert "secret" not in str(entry.new_values)


BOUND = {"sub": "shop", "scope": EVERYTHING["scope"]}


@pytest.mark.parametrize(
    "customers",
    [
        {"customers": "customer-a"},
        {"custom:customers": "customer-x, customer-a"},
        {"customers": "[customer-x customer-a]"},
        {"customers": ["customer-x", "customer-a"]},
    ],
)
@pytest.mark.parametrize("make", [v1, v2])
def test_a_caller_sees_and_moves_its_customers_money(
    make: Any, customers: dict[str, Any], source: Account, target: Account
) -> None:
    more = {"claims": BOUND | customers, "make": make}
    made = ask_transfer(a_body(source, target, customer_id="customer-a"), **more)
    assert made.status == 201
    claims = {"claims": more["claims"]}
    assert ask(make("GET", f"/payments/{made.body['id']}", **claims)).status == 200
    assert ask(make("GET", f"/accounts/{source.id}", **claims)).status == 200
    assert ask(make("GET", "/customers/customer-a/payments", **claims)).status == 200


@pytest.mark.parametrize("customers", ["customer-b", "", "customer-b customer-x"])
def test_a_caller_sees_and_moves_nobody_elses(
    customers: str, source: Account, target: Account
) -> None:
    claims = {"claims": {**BOUND, "customers": customers, "sub": "other"}}
    made = ask_transfer(a_body(source, target)).body["id"]
    assert ask(v2("GET", f"/payments/{made}", **claims)).code == "payment_not_found"
    assert ask(v2("GET", f"/accounts/{source.id}", **claims)).code == "account_not_found"
    assert ask(v2("GET", "/customers/customer-a/payments", **claims)).status == 403
    for named in ({"customer_id": "customer-a"}, {}, {"customer_id": "customer-b"}):
        refused = ask_transfer(a_body(source, target, **named), key=f"k{named}"[:9], **claims)
        assert refused.status in (400, 403, 422)
    assert balance(source) == 4000


def test_probing_for_records_stands_in_the_trail(source: Account, target: Account) -> None:
    made = ask_transfer(a_body(source, target)).body["id"]
    claims = {"claims": {**BOUND, "customers": "customer-x", "sub": "other"}}
    for path in (f"/payments/{made}", f"/accounts/{source.id}", "/accounts/4111-secret"):
        with count_requests() as sent:
            assert ask(v2("GET", path, **claims)).status == 404
        assert len(sent) <= 3, "one to read, two to record it"
    probed = entries("access.refused")
    assert {entry.reference for entry in probed} == {made, source.id, None}
    assert {(entry.entity_id, entry.severity) for entry in probed} == {
        ("person:api:other", Severity.WARNING)
    }
    codes = [entry.new_values["code"] for entry in probed]
    assert sorted(codes) == ["account_not_found", "account_not_found", "payment_not_found"]
    assert "secret" not in str([entry.attribute_values for entry in probed])


def test_a_large_transfer_raises_an_alert_in_its_own_commit_and_does_not_tell(
    source: Account, target: Account
) -> None:
    policy.configure(policy.Policy(approval_threshold=10**15, large_transaction_threshold=2000))
    small = ask_transfer(a_body(source, target, amount=1999), key="small")
    assert list(Alert.scan()) == []
    with count_requests() as sent:
        large = ask_transfer(a_body(source, target, amount=2000), key="large")
    assert sent.operations == ["BatchGetItem", "TransactWriteItems"]
    [alert] = Alert.scan()
    assert (alert.rule, list(alert.payments)) == (Rule.LARGE_TRANSACTION, [large.body["id"]])
    assert (alert.customer_id, alert.amount) == (source.customer_id, 2000)
    assert large.status == 201
    assert large.body.keys() == small.body.keys(), "who asks is not to know"
    assert ask_transfer(a_body(source, target, amount=2000), key="large").status == 200
    assert len(list(Alert.scan())) == 1


def test_a_caller_of_one_customer_need_not_name_it(source: Account, target: Account) -> None:
    claims = BOUND | {"customers": "customer-a"}
    made = ask_transfer(a_body(source, target), claims=claims)
    assert made.status == 201
    named = ask_transfer(a_body(source, target, customer_id="customer-a"), claims=claims)
    assert (named.status, named.body) == (200, made.body)
    stolen = ask_transfer(a_body(target, source), key="k2", claims=claims)
    assert stolen.code == "customer_mismatch"
    failed = next(p for p in made_by_programs() if p.status == PaymentStatus.FAILED)
    assert ask(v2("GET", f"/payments/{failed.id}", claims=claims)).status == 200, "its own"


def test_programs_that_sign_with_iam(source: Account, target: Account) -> None:
    role = "arn:aws:sts::123456789012:assumed-role/settlement/"
    one = v2("GET", f"/accounts/{source.id}", claims=None, iam={"userArn": f"{role}session-1"})
    assert ask(one).status == 200
    made = [
        ask(
            v1(
                "POST",
                "/transfers",
                body=a_body(source, target),
                headers={"idempotency-key": "k"},
                claims=None,
                userArn=f"{role}session-{number}",
            )
        )
        for number in (1, 2)
    ]
    assert [each.status for each in made] == [201, 200], "a role's sessions are one caller"
    assert made[0].body["requested_by"] == f"api:{role[:-1]}"


def test_every_request_is_a_line_of_the_log(
    source: Account, target: Account, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "payments.lambda_handler"):
        ask_transfer(a_body(source, target, amount=9000))
        ask(v2("GET", "/accounts/a%0Ab", claims=None))
    lines = [vars(record) for record in caplog.records]
    told = [(line["actor"], line["status"], line["code"]) for line in lines]
    assert told == [("api:shop", 422, "insufficient_funds"), ("", 401, "unauthenticated")]
    assert lines[0]["store_requests"] == 2
    assert lines[0]["store_units"] > 0


def test_a_key_given_twice_is_another_key(source: Account, target: Account) -> None:
    event = v1("POST", "/transfers", body=a_body(source, target), headers={"Idempotency-Key": "b"})
    event["multiValueHeaders"]["Idempotency-Key"] = ["a", "b"]
    ask(event)
    assert ask_transfer(a_body(source, target), key="b").status == 201
    assert len(list(IdempotencyKey.scan())) == 2


def test_a_transfer_costs_as_many_requests_as_on_every_way_in(
    source: Account, target: Account
) -> None:
    with count_requests() as sent:
        assert ask_transfer(a_body(source, target)).status == 201
    assert sent.operations == ["BatchGetItem", "TransactWriteItems"]
    assert a_request(source, target).idempotency_key == ""
