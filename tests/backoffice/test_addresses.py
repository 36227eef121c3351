"""Every address: its permission, its answer to each role, its cost, its headers, no QuerySet."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import Settings

from backoffice.permissions import Permission, Role, granted
from backoffice.reading import Reading
from dynamodb import client as store_client
from tests.backoffice.conftest import SignIn
from tests.backoffice.people import chain


def patterns(resolver: URLResolver | None = None) -> Iterator[URLPattern]:
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern)
        else:
            yield pattern


def guards(pattern: URLPattern, name: str) -> Any:
    """What the view behind an address says of itself, ``None`` where it does not."""
    return getattr(getattr(pattern.callback, "found", lambda: pattern.callback)(), name, None)


def guarded_pages() -> list[tuple[str, Permission]]:
    """Addresses that take no arguments and are not for everyone, with what they need."""
    return [
        (reverse(f"admin:{pattern.name}"), permission)
        for pattern in patterns()
        if (permission := guards(pattern, "permission")) and not pattern.pattern.regex.groups
    ]


def test_every_view_names_its_permission_or_is_declared_public() -> None:
    bare = [
        str(pattern)
        for pattern in patterns()
        if not isinstance(guards(pattern, "permission"), Permission)
        and guards(pattern, "is_public") is not True
    ]
    assert bare == []


PARTS = frozenset({"export_list", "payment_holds"})
"""What a page that has left its entry fetches afterwards, or orders, by the names of addresses."""


def test_every_page_of_a_single_record_leaves_an_entry_of_who_saw_it() -> None:
    """Except of one's own, which everybody may see."""
    silent = [
        str(pattern.pattern)
        for pattern in patterns()
        if pattern.pattern.regex.groups
        and pattern.name not in PARTS
        and isinstance(reading := guards(pattern, "reading"), Reading)
        and not (reading.viewing or reading.exporting)
        and guards(pattern, "permission") != Permission.USE_DASHBOARD
    ]
    assert silent == []


def test_only_these_are_public() -> None:
    public = {str(p.pattern) for p in patterns() if guards(p, "is_public")}
    assert public == {
        "", "login/second-step/", "login/", "logout/", "healthz", "readyz", "metrics",
    }  # fmt: skip


@pytest.mark.usefixtures("moto_store")
def test_probes_ask_by_address_and_figures_are_for_whoever_knows_the_token(
    settings: Settings,
) -> None:
    settings.ALLOWED_HOSTS = [".office.example"]
    by_address = Client(headers={"host": "10.1.2.3:8000"})
    asked = [by_address.get(path) for path in ("/healthz", "/readyz", "/metrics", "/")]
    assert [answer.status_code for answer in asked] == [200, 200, 404, 400]
    settings.METRICS_TOKEN = "t" * 40
    given = [Client().get("/metrics", headers={"authorization": text}) for text in ("", "Bearer ")]
    assert [answer.status_code for answer in given] == [401, 401]


GRAVE = {
    "account_unfreeze",
    "approval",
    "approvals",
    "export_download",
    "export_list",
    "export_new",
    "hold_release",
    "payment_reverse",
    "second_factor_app",
    "second_factor_passkey",
    "second_factor_recovery",
    "second_factor_remove",
    "staff_disable",
    "staff_enable",
    "staff_factor",
    "staff_new",
    "staff_password",
    "staff_roles",
}
"""Pages of what is done after a fresh proof only; every export is one, too."""


def test_grave_acts_and_every_export_ask_for_a_fresh_proof() -> None:
    asking = {str(p.name) for p in patterns() if guards(p, "needs_proof")}
    exports = {
        str(pattern.name)
        for pattern in patterns()
        if (reading := guards(pattern, "reading")) and reading.exporting
    }
    assert GRAVE | exports <= asking


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_what_it_may_see_and_403_with_an_entry_for_the_rest(
    signed_in: SignIn, role: Role
) -> None:
    client = signed_in(role)
    for address, permission in guarded_pages():
        answer = client.get(address)
        if permission in granted([role]):
            assert answer.status_code == 200, address
            continue
        assert answer.status_code == 403, address
        entry = chain("person:someone")[0]
        assert (entry.action, entry.user_id, entry.outcome) == (
            "access.refused",
            "someone",
            "failure",
        )
        assert entry.new_values is not None
        assert entry.new_values["path"] == address
        assert entry.new_values["permission"] == permission


def test_strangers_are_led_to_the_sign_in_page(moto_store: None, client: Client) -> None:
    for address, _ in guarded_pages():
        assert client.get(address).headers["Location"].startswith("/admin/login/?next=/admin/")


@pytest.mark.parametrize("role", Role)
def test_no_page_touches_a_query_set(
    signed_in: SignIn, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(role)
    addresses = [address for address, _ in guarded_pages()]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("There is no SQL database to ask.")

    monkeypatch.setattr(QuerySet, "__init__", refuse)
    for address in [*addresses, "/admin/nowhere/"]:
        assert client.get(address).status_code in (200, 403, 404)
    assert client.post("/admin/logout/").status_code == 200
    assert client.get("/admin/login/").status_code == 200


def test_every_answer_carries_the_guarding_headers(signed_in: SignIn) -> None:
    client = signed_in()
    pages = ["/", "/admin/login/", "/healthz", "/readyz", "/admin/nowhere/"]
    for address in pages + [address for address, _ in guarded_pages()]:
        headers = client.get(address).headers
        assert headers["Content-Security-Policy"].count("'self'") == 2
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "no-store" in headers["Cache-Control"]
        assert headers["X-Request-ID"]


def test_static_files_are_served_under_the_same_policy(client: Client) -> None:
    answer = client.get("/static/backoffice/backoffice.css")
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    answer.close()


@pytest.mark.parametrize(
    ("address", "operations"),
    [
        ("/admin/", ["BatchGetItem", "BatchGetItem", "Query"]),
        ("/admin/preferences/", ["BatchGetItem"]),
        ("/admin/password_change/", ["BatchGetItem"]),
        ("/admin/nowhere/", ["BatchGetItem"]),
        ("/healthz", []),
    ],
)
def test_a_page_costs_one_read_and_what_it_shows(
    signed_in: SignIn, address: str, operations: list[str]
) -> None:
    client = signed_in()
    with store_client.count_requests() as seen:
        client.get(address)
    assert seen.operations == operations
