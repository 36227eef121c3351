"""Where a request comes from: whose address, which program, under which id."""

import re
from collections.abc import Collection, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from uuid_utils import uuid7

from audit.context import Context

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

Network = IPv4Network | IPv6Network


def origin_of(meta: Mapping[str, str], trusted: Collection[Network]) -> Context:
    """The audit context of a request, from its WSGI variables."""
    given_id = meta.get("HTTP_X_REQUEST_ID", "")
    return Context(
        ip_address=client_address(
            meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""), trusted
        ),
        user_agent=meta.get("HTTP_USER_AGENT", ""),
        request_id=given_id if _SANE_ID.fullmatch(given_id) else str(uuid7()),
    )


def client_address(peer: str, forwarded_for: str, trusted: Collection[Network]) -> str:
    """The address nearest to us that is not a trusted proxy, or the last one vouched for.

    ``X-Forwarded-For`` is read from right to left, and only as far as trusted proxies wrote it:
    whatever stands further left anybody may have made up.
    """
    address = peer
    for hop in reversed(forwarded_for.split(",")):
        known = _address(hop)
        if not is_trusted(address, trusted) or known is None:
            break
        address = str(known)
    return address


def is_trusted(address: str, trusted: Collection[Network]) -> bool:
    known = _address(address)
    return known is not None and any(known in network for network in trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
