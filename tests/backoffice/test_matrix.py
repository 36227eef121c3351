"""Every address, asked by every role, by every method, for what is one's own and what is not."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client

from backoffice.permissions import Permission, Role, granted
from backoffice.site import NAVIGATION
from backoffice.staff import managing
from backoffice.wording import table
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from payments import directory
from tests.backoffice.people import AT, SETUP, chain
from tests.backoffice.test_addresses import guards, patterns
from tests.backoffice.world import ME, Place, World, a_world
from tests.stores import unchanged

pytestmark = pytest.mark.usefixtures("without_contexts")

TABLE = """
/                                          -                       TSCAN 302 302
/healthz /readyz                           -                       TSCAN 200 200
/metrics                                   -                       TSCAN 404 404
login                                      -                       TSCA  302 200
login                                      -                       N     200 200
second_step                                -                       TSCAN 302 302
logout                                     -                       TSCAN 405 200
index password_change preferences jobs     -                       TSCA  200 200
help first_steps                           -                       TSCA  200 200
find                                       -                       TSCA  200 200
password_change_done                       -                       TSCA  200 405
second_factor second_factor_recovery       -                       TSCA  200 200
second_factor_app                          -                       TSCA  200 302
second_factor_passkey                      -                       TSCA  200 422
second_factor_remove                       own                     TSCA  200 200
second_factor_remove                       unknown                 TSCA  404 404
job job_progress                           own                     TSCA  200 200
job_cancel job_retry                       own                     TSCA  405 302
job job_progress                           foreign,unknown         TSCA  404 404
job_cancel job_retry                       foreign,unknown         TSCA  405 404
job job_progress                           pack                    C     200 200
job job_progress                           pack                    TSA   404 404
job_cancel job_retry                       pack                    C     405 302
job_cancel job_retry                       pack                    TSA   405 404
sessions                                   -                       TSCA  200 302

accounts account_lookup payments           -                       TSC   200 200
accounts_newer payments_newer              -                       TSC   200 200
alerts_newer audit_newer                   -                       C     200 200
views                                      -                       TSCA  200 302
account account_timeline payment           known                   TSC   200 200
customer merchant                          known                   TSC   200 200
account account_timeline payment           unknown                 TSC   404 404
customer merchant                          unknown                 TSC   404 404
payment_holds                              known,unknown           TSC   200 200
statement statement_pdf statement_csv      known                   TSC   200 200
statement_xml receipt receipt_pdf          known                   TSC   200 200
statement statement_pdf statement_csv      unknown                 TSC   404 404
statement_xml receipt receipt_pdf          unknown                 TSC   404 404
account_new transfer_new                   -                       TS    200 422
account_freeze account_unfreeze            known                   S     200 422
account_unlock account_edit account_close  known                   S     200 422
payment_reverse                            known                   S     200 422
bulk                                       -                       TS    200 422
bulk_file                                  known                   TS    200 302
bulk_file                                  unknown                 TS    404 404
bulk_batch                                 own,foreign             TS    200 422
bulk_batch bulk_result                     unknown                 TS    404 404
bulk_result                                own,foreign             TS    200 200
account_freeze account_unfreeze            unknown                 S     404 404
account_unlock account_edit account_close  unknown                 S     404 404
payment_reverse                            unknown                 S     404 404
payment_cancel                             own                     TS    200 422
payment_cancel                             foreign,known           S     200 422
payment_cancel                             unknown                 TS    404 404
approvals                                  -                       S     200 422
approvals                                  -                       C     200 403
approvals_count                            -                       SC    200 200
approval                                   own,foreign             S     200 422
approval                                   own,foreign             C     200 403
approval                                   unknown                 SC    404 404

export_list                                known                   C     405 302
export_list                                unknown                 C     405 404
events                                     -                       SC    200 200
event_again                                known                   SC    200 200
event_again                                unknown                 SC    404 404
exports holds                              -                       C     200 200
export_new hold_new                        -                       C     200 422
export                                     known                   C     200 200
export export_download                     unknown                 C     404 404
export_download                            known                   C     404 404
hold_release                               known                   C     200 422
hold_release                               unknown                 C     404 404
audit seals reviews                        -                       C     200 200
alerts alerts_count alerts_overview cases  -                       C     200 200
account_viewers payment_viewers            known                   C     200 200
account_viewers payment_viewers            unknown                 C     404 404
audit_chain                                account                 TSC   200 200
audit_chain                                person,alert            C     200 200
audit_chain                                unknown                 C     404 404
audit_prove                                account,person,unknown  C     404 404
audit_verify                               account,person          C     405 302
audit_verify                               unknown                 C     405 404
alert case                                 known                   C     200 200
alert case                                 unknown                 C     404 404
alert_assign alert_note alert_escalate     known                   C     200 422
alert_resolve alert_case                   known                   C     200 422
alert_assign alert_note alert_escalate     unknown                 C     404 404
alert_resolve alert_case                   unknown                 C     404 404
case_note case_add case_close              known                   C     200 422
case_note case_add case_close              unknown                 C     404 404
review                                     known                   C     200 422
review                                     unknown                 C     404 404
review_prepare                             known                   C     405 302
review_sign                                known                   C     405 200
review_prepare review_sign                 unknown                 C     405 404

staff                                      -                       CA    200 200
staff_new                                  -                       A     200 422
staff_review                               -                       CA    200 422
staff_signed_list                          known                   CA    200 200
staff_person                               own,foreign             CA    200 200
staff_signed_list staff_person             unknown                 CA    404 404
staff_disable staff_enable staff_roles     own,foreign             A     200 422
staff_factor staff_password staff_unlock   own,foreign             A     200 422
staff_sessions                             own,foreign             A     200 302
staff_sessions                             own,foreign             C     200 403
staff_sessions                             unknown                 CA    404 404
staff_disable staff_enable staff_roles     unknown                 A     404 404
staff_factor staff_password staff_unlock   unknown                 A     404 404
"""
"""Addresses, what stands in them, whom it is for (teller, supervisor, compliance, admin, nobody),
and what these get: for GET, and for a POST without a field. Other people get 403, nobody 302."""

WHO = {"T": Role.TELLER, "S": Role.SUPERVISOR, "C": Role.COMPLIANCE, "A": Role.ADMIN}
NOBODY = "N"


def cells() -> Iterator[tuple[str, str, str, int]]:
    """The table, cell by cell: address and what stands in it, who, method, answer."""
    for line in filter(None, TABLE.splitlines()):
        *names, whats, who, get, post = line.split()
        for name in names:
            for what in whats.split(","):
                for letter in who:
                    row = f"{name} {what}".removesuffix(" -")
                    yield row, letter, "GET", int(get)
                    yield row, letter, "POST", int(post)


ANSWERS = {(row, who, method): answer for row, who, method, answer in cells()}
ROWS = {row for row, *_ in ANSWERS}


def expected(place: Place, who: str, method: str) -> int:
    """The answer by the table; for any method that no page has, by the page's permission."""
    assert place.row in ROWS, f"Say in the table who may use {place.row!r}."
    permission = guards(place.pattern, "permission")
    refused = 302 if who == NOBODY else 403
    if method == "PUT":
        may = permission is None or (who != NOBODY and permission in granted([WHO[who]]))
        return 405 if may else refused
    return ANSWERS.get((place.row, who, method), refused)


def ask_everything(client: Client, world: World, who: str) -> None:
    """Compare every cell of one person; addresses and objects are those of the URL conf."""
    wrong, asked = [], set()
    for place in world.places():
        is_first = place.name not in asked
        asked.add(place.name)
        for method in ("GET", "POST", *(("PUT",) if is_first else ())):
            directory._numbers.clear()
            with unchanged(), count_requests() as requests:
                answer = client.generic(method, place.url)
            wanted = expected(place, who, method)
            took = requests.operations
            if SEEN in took:
                took.remove(SEEN)
            writes = [each for each in took if each not in READS]
            if (method, answer.status_code) == ("GET", 200) and len(writes) > 1:
                wrong.append(f"{place.row}: to be remembered, it writes {writes}")
            most = BUDGETS.get(place.name, MOST)
            if (method, answer.status_code) == ("GET", 200) and len(took) > most:
                wrong.append(f"{place.row}: it takes {took}, more than {most}")
            if answer.status_code != wanted:
                wrong.append(f"{method} {place.row}: {answer.status_code}, not {wanted}")
            elif who == NOBODY and place.row not in PUBLIC and wanted == 302:
                assert answer.headers["Location"].startswith("/admin/login/?next=/admin/")
            if place.name == "logout" and who != NOBODY:
                world.sign_in(client)
    assert wrong == []
    assert not ROWS - {place.row for place in world.places()}, "No such address is left."


MOST = 6
"""Requests that a page may take of a process that remembers no account yet."""

SEEN = "UpdateItem"
"""Moves a session's last-seen time, once a minute."""

LISTS = (
    "alerts", "approvals", "approvals_count", "audit", "bulk", "cases", "events", "exports",
    "holds", "jobs", "merchant", "payments", "reviews", "seals", "staff",
)  # fmt: skip
BUDGETS = dict.fromkeys(LISTS, 3) | {
    "accounts": 4,
    "sessions": 4,  # and the signing in that people look for beside them
    "account_timeline": 7,  # for compliance, who see a fourth list in it: who looked at it
    "index": 7,  # the dashboard's own
    "bulk_file": 9,  # two accounts known by id alone, and the files applied before
    "/readyz": 40,  # looks at each table, and is no page
}
"""What a list may take, and what takes more than a page of one thing."""

READS = frozenset({"BatchGetItem", "DescribeTable", "GetItem", "Query"})
"""Reading is remembered by one request more at most."""

PUBLIC = {row for row, who, *_ in ANSWERS if who == NOBODY}


@pytest.mark.parametrize("who", WHO)
def test_each_role_gets_what_the_table_says(moto_store: None, who: str) -> None:
    world, client = a_world(WHO[who]), Client()
    world.sign_in(client)
    ask_everything(client, world, who)


@pytest.mark.parametrize("is_disabled", [False, True], ids=["stranger", "disabled"])
def test_who_is_nobody_is_led_to_sign_in(moto_store: None, is_disabled: bool) -> None:
    world, client = a_world(Role.SUPERVISOR), Client()
    if is_disabled:
        world.sign_in(client)
        managing.disable_staff(username=ME, reason="Has left", actor=SETUP, at=AT)
    ask_everything(client, world, NOBODY)


@pytest.mark.parametrize("who", WHO)
def test_grave_acts_ask_who_may_do_them_for_a_fresh_proof(moto_store: None, who: str) -> None:
    """And refuse others first; what is asked for shows nothing of the page behind."""
    world, client = a_world(WHO[who]), Client()
    world.sign_in(client, proved_at=utc_now() - timedelta(minutes=6))
    for place in world.places():
        if guards(place.pattern, "needs_proof"):
            may = guards(place.pattern, "permission") in granted([WHO[who]])
            assert client.post(place.url).status_code == (401 if may else 403), place.row


def test_no_form_is_taken_from_elsewhere(moto_store: None) -> None:
    """Without the token of our own pages nothing is carried out, and the attempt is recorded."""
    world = a_world(Role.TELLER)
    client = Client(enforce_csrf_checks=True)
    world.sign_in(client)
    for place in world.places():
        with unchanged():
            assert client.post(place.url).status_code == 403, place.row
            refused = chain(f"person:{ME}")[0]
        assert refused.action == "access.refused"
        assert (refused.new_values or {})["permission"] == "csrf"


def test_the_table_agrees_with_the_permissions(moto_store: None) -> None:
    """Nobody is let in whose role lacks the permission that the address names."""
    for place in a_world(Role.TELLER).places():
        needed = guards(place.pattern, "permission")
        for letter, role in WHO.items():
            if isinstance(needed, Permission) and needed not in granted([role]):
                assert expected(place, letter, "GET") == expected(place, letter, "POST") == 403


def test_the_navigation_shows_a_page_to_those_who_may_open_it() -> None:
    """Its permissions are those that the pages, and what stands beside their names, ask for."""
    shown = [each for section in NAVIGATION for each in section["entry"]]
    shown += table("navigation")["more"]
    shown += [each["new"] for each in shown if "new" in each]
    shown += [each | {"page": each["count"]} for each in shown if "count" in each]
    needed = {f"admin:{each.name}": guards(each, "permission") for each in patterns()}
    for each in shown:
        assert (needed[each["page"]] or Permission.USE_DASHBOARD) == each["permission"]
