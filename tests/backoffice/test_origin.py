from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from threading import Barrier

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from audit import context
from backoffice.middleware import origin
from backoffice.origin import client_address, origin_of

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "<script>", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("2001:db8::1", "2001:dead::5", "2001:dead::5"),
        ("", "198.51.100.1", ""),
    ],
)
def test_only_trusted_proxies_speak_for_a_client(
    peer: str, forwarded_for: str, client: str
) -> None:
    assert client_address(peer, forwarded_for, PROXIES) == client


@pytest.mark.parametrize("given", ["trace-1", "A.b_c-9", "x" * 64])
def test_a_sane_request_id_is_kept(given: str) -> None:
    assert origin_of({"HTTP_X_REQUEST_ID": given}, []).request_id == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\nb", "ü", "<b>"])
def test_another_one_is_replaced(given: str) -> None:
    made = origin_of({"HTTP_X_REQUEST_ID": given}, []).request_id
    assert made != given
    assert made[14] == "7"  # the version in a UUID's text


@pytest.mark.parametrize(("peer", "is_secure"), [("203.0.113.9", False), ("10.0.0.1", True)])
def test_only_a_trusted_proxy_may_say_https(peer: str, is_secure: bool, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    seen: list[bool] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request.is_secure())
        return HttpResponse()

    origin(view)(RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO="https"))
    assert seen == [is_secure]


def test_each_thread_sees_its_own_request() -> None:
    everyone_is_inside = Barrier(8)

    def view(_request: HttpRequest) -> HttpResponse:
        everyone_is_inside.wait(timeout=10)
        return HttpResponse(context.current().request_id)

    def ask(number: int) -> str:
        request = RequestFactory().get("/", HTTP_X_REQUEST_ID=f"request-{number}")
        return origin(view)(request).content.decode()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [f"request-{number}" for number in range(8)]
    assert context.current() == context.Context()
