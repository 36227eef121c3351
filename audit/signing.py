"""Ed25519 signatures, by which seals are known to be ours."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key

SEED_BYTES = 32


def sign(key: bytes, message: bytes) -> str:
    """Sign with a private key, PEM or seed; the signature in base64."""
    return base64.b64encode(_private(key).sign(message)).decode()


def public_key(key: bytes) -> str:
    """The public half of a private key, its 32 bytes in base64."""
    return base64.b64encode(_private(key).public_key().public_bytes_raw()).decode()


def is_signed(message: bytes, *, signature: str, public: str) -> bool:
    """Whether a signature in base64 was made of this message by the key of this public half."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
        key.verify(base64.b64decode(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _private(key: bytes) -> Ed25519PrivateKey:
    if len(key) == SEED_BYTES:
        return Ed25519PrivateKey.from_private_bytes(key)
    loaded = load_pem_private_key(key, password=None)
    if not isinstance(loaded, Ed25519PrivateKey):
        raise TypeError("The key of the seals is not an Ed25519 key.")
    return loaded
