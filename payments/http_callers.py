"""Who calls the service, what they may do there, and whose records they may see."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.context import Actor
from payments.models import Account, Payment

READ, WRITE = "payments/read", "payments/write"
"""Scopes, as Amazon Cognito writes them: the resource server, a slash, what may be done."""

EVERY_CUSTOMER = "*"

_NAME = re.compile(r"[!-~]{1,256}")
_ROLE_SESSION = re.compile(r"(:assumed-role/[^/]+)/.*")
_CUSTOMER_CLAIMS = ("customers", "custom:customers")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A program that API Gateway's authorizer has recognized."""

    name: str
    scopes: frozenset[str]
    customers: frozenset[str]

    @property
    def actor(self) -> Actor:
        """As the trail knows them; the colon says that it is no person."""
        return Actor(id=f"api:{self.name}")

    @property
    def serves_everybody(self) -> bool:
        return EVERY_CUSTOMER in self.customers

    def serves(self, customer_id: str | None) -> bool:
        return self.serves_everybody or customer_id in self.customers

    def may_see(self, record: Account | Payment) -> bool:
        """Whether a record is one of their customers', or a payment they asked for themselves."""
        is_own = isinstance(record, Payment) and record.requested_by == self.actor.id
        return is_own or self.serves(record.customer_id)


def caller_of(asked: Mapping[str, Any]) -> Caller | None:
    """The caller of a ``requestContext``: by the claims of a token, or as a principal of IAM.

    A token names them in ``sub``, lists scopes in ``scope`` and customers in ``customers`` or
    ``custom:customers``. What a principal may do its policy has decided at the gateway: they are
    the house's own programs and serve every customer. A role's sessions are one caller.
    """
    authorizer = _part(asked, "authorizer")
    claims = _part(_part(authorizer, "jwt"), "claims") or _part(authorizer, "claims")
    if claims:
        given = next((claims[name] for name in _CUSTOMER_CLAIMS if claims.get(name)), "")
        return _caller(claims.get("sub"), _words(claims.get("scope")), _words(given))
    arn = _part(authorizer, "iam").get("userArn") or _part(asked, "identity").get("userArn")
    name = _ROLE_SESSION.sub(r"\1", arn) if isinstance(arn, str) else None
    return _caller(name, frozenset({READ, WRITE}), frozenset({EVERY_CUSTOMER}))


def _caller(name: object, scopes: frozenset[str], customers: frozenset[str]) -> Caller | None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    return Caller(name=name, scopes=scopes, customers=customers)


def _part(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = values.get(name)
    return part if isinstance(part, Mapping) else {}


def _words(claim: object) -> frozenset[str]:
    """A claim's words: a list, or as v2 hands one over, text such as ``[a b]`` or ``a,b``."""
    words = claim if isinstance(claim, list) else re.split(r"[\s,]+", str(claim or "").strip("[]"))
    return frozenset(word for word in words if isinstance(word, str) and word)
