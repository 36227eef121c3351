"""Codes of six digits from an authenticator app, codes to recover with, and how seeds are kept.

Pure but for chance: no clock, no store.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import pyotp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pyotp.exceptions import OTPVerificationError

DRIFT_STEPS = 1
"""A code holds for its own half minute and the two beside it: RFC 6238, section 5.2."""

RECOVERY_CODES = 10
_RECOVERY_BYTES = 10
_ISSUER = "Back office"
ENROLMENT = timedelta(minutes=15)
"""How long a seed that is shown waits for its first code."""


class SeedUnreadableError(Exception):
    """A seed was sealed with a key that is not listed any more, or for somebody else."""


def new_seed() -> str:
    return pyotp.random_base32()


def provisioning_uri(seed: str, username: str) -> str:
    """What an authenticator app reads from a QR code."""
    return pyotp.TOTP(seed).provisioning_uri(name=username, issuer_name=_ISSUER)


def qr_code(text: str) -> str:
    """A QR code as SVG to stand in a page: dark on light in every colour scheme."""
    import segno  # takes its time, and few ever need it

    svg: str = segno.make(text, error="m", micro=False).svg_inline(
        scale=5, border=3, dark="#000", light="#fff"
    )
    return svg


def matching_step(seed: str, code: str, at: datetime, *, after: int) -> int | None:
    """The time step that a code is of, if it is now and later than ``after``, the last one used."""
    totp = pyotp.TOTP(seed)
    try:
        step = totp.verify_and_get_timecode(code, for_time=at, valid_window=DRIFT_STEPS)
    except OTPVerificationError:
        return None
    return step if step > after else None


def new_recovery_codes() -> list[str]:
    """Codes of 80 random bits, such as ``abcd-efgh-ijkl-mnop``: too many to be guessed offline."""
    texts = (
        base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
        for _ in range(RECOVERY_CODES)
    )
    return ["-".join(text[place : place + 4] for place in range(0, len(text), 4)) for text in texts]


def recovery_hash(code: str, username: str) -> str:
    """What is kept of a recovery code, however it was typed."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(f"{username}:{plain}".encode()).hexdigest()


def seal(seed: str, username: str, keys: Sequence[str]) -> str:
    """Encrypt a seed for a person with the first of the keys."""
    return _box(keys).encrypt(f"{username}:{seed}".encode()).decode()


def unseal(
    sealed: str, username: str, keys: Sequence[str], *, max_age: timedelta | None = None
) -> str:
    """A seed that any of the keys has sealed for this person; else ``SeedUnreadableError``."""
    try:
        ttl = None if max_age is None else int(max_age.total_seconds())
        owner, _, seed = _box(keys).decrypt(sealed.encode(), ttl=ttl).decode().partition(":")
    except InvalidToken as error:
        raise SeedUnreadableError from error
    if owner != username:
        raise SeedUnreadableError
    return seed


def _box(keys: Sequence[str]) -> MultiFernet:
    """Any long random text is a key: Fernet's own 32 bytes are made from it."""
    digests = (hashlib.sha256(key.encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
