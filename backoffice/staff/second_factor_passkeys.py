"""Passkeys: what a browser is asked for, and what its answers are worth (W3C WebAuthn)."""

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import PublicKeyCredentialDescriptor

from backoffice.staff.records import FactorRecord
from backoffice.staff.refusals import WrongCode

_NAME = "Back office"
_MALFORMED = (
    WebAuthnException,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
"""What an answer that no authenticator gave can lead to."""


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
    options = webauthn.generate_registration_options(
        rp_id=place.host,
        rp_name=_NAME,
        user_name=username,
        user_id=hashlib.sha256(username.encode()).digest(),
        exclude_credentials=_descriptors(kept),
    )
    return Question(
        options=options_to_json(options), challenge=bytes_to_base64url(options.challenge)
    )


def ask_for(place: Place, kept: Sequence[FactorRecord]) -> Question:
    options = webauthn.generate_authentication_options(
        rp_id=place.host, allow_credentials=_descriptors(kept)
    )
    return Question(
        options=options_to_json(options), challenge=bytes_to_base64url(options.challenge)
    )


def new_passkey(place: Place, challenge: str, answer: str) -> dict[str, Any]:
    """What is kept of a new passkey; raises ``WrongCode`` for an answer that is not about it."""
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=place.host,
            expected_origin=place.origin,
        )
    except _MALFORMED as error:
        raise WrongCode from error
    return {
        "credential_id": bytes_to_base64url(made.credential_id),
        "public_key": bytes_to_base64url(made.credential_public_key),
        "sign_count": made.sign_count,
    }


def credential_id(answer: str) -> str:
    """Which passkey an answer says it is of; empty where it says nothing."""
    try:
        return str(json.loads(answer)["id"])
    except _MALFORMED:
        return ""


def new_sign_count(place: Place, challenge: str, answer: str, kept: FactorRecord) -> int:
    """The count a passkey stands at by a right answer; raises ``WrongCode`` for any other."""
    try:
        shown = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=place.host,
            expected_origin=place.origin,
            credential_public_key=base64url_to_bytes(kept.public_key or ""),
            credential_current_sign_count=kept.sign_count,
        )
    except _MALFORMED as error:
        raise WrongCode from error
    return shown.new_sign_count


def _descriptors(kept: Sequence[FactorRecord]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.credential_id or ""))
        for each in kept
    ]
