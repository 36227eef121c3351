from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from backoffice.permissions import Role
from tests.backoffice.people import a_member
from tests.backoffice.runs import environment

__all__ = ["environment"]

SignIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def quick_hashes(settings: Settings) -> None:
    """A real hash takes a tenth of a second; what it is worth is tested on its own."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def signed_in(moto_store: None) -> SignIn:
    """Make a member of staff with the given roles and a browser they are signed in with."""

    def sign_in(*roles: Role, username: str = "someone") -> Client:
        client = Client()
        client.force_login(a_member(username=username, roles=roles or (Role.TELLER,)))
        return client

    return sign_in
