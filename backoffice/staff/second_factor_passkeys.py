"""Passkeys: what a browser is asked for, and what its answers are worth (W3C WebAuthn)."""

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from ipaddress import ip_address
from types import ModuleType
from typing import Any

from backoffice.staff.records import FactorRecord
from backoffice.staff.refusals import WrongCode

_NAME = "Back office"


def _malformed() -> tuple[type[Exception], ...]:
    """What an answer that no authenticator gave can lead to."""
    malformed = (AttributeError, LookupError, RecursionError, TypeError, ValueError, struct.error)
    return _webauthn().helpers.exceptions.WebAuthnException, *malformed


@cache
def _webauthn() -> ModuleType:
    """The library, loaded when somebody first needs it."""
    return import_module("webauthn")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a browser sees our pages: passkeys are bound to it."""

    origin: str
    host: str

    @property
    def has_name(self) -> bool:
        """Whether passkeys work here: they are bound to a name, never to an address."""
        try:
            ip_address(self.host.strip("[]"))
        except ValueError:
            return True
        return False


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a browser, as JSON; the answer must be about the ``challenge``."""

    options: str
    challenge: str


def ask_for_new(place: Place, username: str, kept: Sequence[FactorRecord]) -> Question:
    options = _webauthn().generate_registration_options(
        rp_id=place.host,
        rp_name=_NAME,
        user_name=username,
        user_id=hashlib.sha256(username.encode()).digest(),
        exclude_credentials=_descriptors(kept),
    )
    return _question(options)


def ask_for(place: Place, kept: Sequence[FactorRecord]) -> Question:
    options = _webauthn().generate_authentication_options(
        rp_id=place.host, allow_credentials=_descriptors(kept)
    )
    return _question(options)


def _question(options: Any) -> Question:
    challenge = _webauthn().helpers.bytes_to_base64url(options.challenge)
    return Question(options=_webauthn().options_to_json(options), challenge=challenge)


def new_passkey(place: Place, challenge: str, answer: str) -> dict[str, Any]:
    """What is kept of a new passkey; raises ``WrongCode`` for an answer that is not about it."""
    try:
        made = _webauthn().verify_registration_response(
            credential=answer,
            expected_challenge=_webauthn().helpers.base64url_to_bytes(challenge),
            expected_rp_id=place.host,
            expected_origin=place.origin,
        )
    except _malformed() as error:
        raise WrongCode from error
    return {
        "credential_id": _webauthn().helpers.bytes_to_base64url(made.credential_id),
        "public_key": _webauthn().helpers.bytes_to_base64url(made.credential_public_key),
        "sign_count": made.sign_count,
    }


def credential_id(answer: str) -> str:
    """Which passkey an answer says it is of; empty where it says nothing."""
    try:
        return str(json.loads(answer)["id"])
    except _malformed():
        return ""


def new_sign_count(place: Place, challenge: str, answer: str, kept: FactorRecord) -> int:
    """The count a passkey stands at by a right answer; raises ``WrongCode`` for any other."""
    try:
        shown = _webauthn().verify_authentication_response(
            credential=answer,
            expected_challenge=_webauthn().helpers.base64url_to_bytes(challenge),
            expected_rp_id=place.host,
            expected_origin=place.origin,
            credential_public_key=_webauthn().helpers.base64url_to_bytes(kept.public_key or ""),
            credential_current_sign_count=kept.sign_count,
        )
    except _malformed() as error:
        raise WrongCode from error
    return int(shown.new_sign_count)


def _descriptors(kept: Sequence[FactorRecord]) -> list[Any]:
    helpers = _webauthn().helpers
    return [
        helpers.structs.PublicKeyCredentialDescriptor(
            id=helpers.base64url_to_bytes(each.credential_id or "")
        )
        for each in kept
    ]
