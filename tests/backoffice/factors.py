"""People with a second factor."""

import re
from datetime import datetime, timedelta
from typing import Any

import pyotp
import time_machine
from django.test import Client

from audit.context import Actor
from backoffice.staff import second_factor
from dynamodb.times import utc_now
from tests.backoffice.pages import hidden, text


def code_for(seed: str, at: datetime, steps: int = 0) -> str:
    return pyotp.TOTP(seed).at(at + timedelta(seconds=30 * steps))


def with_app(username: str, at: datetime | None = None) -> tuple[str, list[str]]:
    """Give a person an authenticator app; returns its seed and the recovery codes."""
    at = at or utc_now()
    sealed = second_factor.new_sealed_seed(username)
    seed = second_factor.shown_seed(username, sealed)
    actor = Actor(id=username)
    codes = second_factor.add_app(
        username=username, sealed=sealed, code=code_for(seed, at, -1), actor=actor, at=at
    )
    return seed, codes


def enrolled(client: Client) -> tuple[str, list[str]]:
    """Add an authenticator app on the pages; returns its seed and the recovery codes.

    It is done with the last code that still counts, so that the one shown now is unused; the clock
    stands still, or that code would be too old wherever a new one begins in between.
    """
    with time_machine.travel(utc_now(), tick=False):
        page = client.get("/admin/second-factor/app/")
        found = re.search(r'title="([A-Z2-7]{32})"', text(page))
        assert found is not None
        values = {"sealed": hidden(page, "sealed"), "code": code_for(found[1], utc_now(), -1)}
        answer = client.post("/admin/second-factor/app/", values)
    assert answer.status_code == 200, text(answer)
    return found[1], re.findall(r"<code>([a-z2-7-]{19})</code>", text(answer))


def passed(client: Client, code: str) -> Any:
    return client.post("/admin/login/second-step/", {"proof_code": code})
