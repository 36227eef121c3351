"""Who may do what: roles, permissions, and the guard that every view names its own with."""

from collections.abc import Callable, Collection, Iterable
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    QueryDict,
)
from django.shortcuts import redirect
from django.urls import reverse

from backoffice import drafts
from backoffice.reading import Look, Reading
from backoffice.staff.sessions import SessionStore
from backoffice.tampering import note_tampering
from dynamodb.times import utc_now

if TYPE_CHECKING:
    from backoffice.staff.models import Staff

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])


_METHODS = ("GET", "HEAD", "POST")
"""What pages are asked by, and nothing else."""


class StaffRequest(HttpRequest):
    """What a guarded view is given: a request of somebody who has signed in."""

    user: "Staff"
    session: SessionStore
    look: Look | None


StaffView = Callable[Concatenate[StaffRequest, P], HttpResponseBase]
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


class Permission(StrEnum):
    """One thing that a person may be allowed to do. The value stands in the trail."""

    USE_DASHBOARD = "dashboard.use"
    READ_ACCOUNTS = "accounts.read"
    OPEN_ACCOUNTS = "accounts.open"
    READ_PAYMENTS = "payments.read"
    RUN_TRANSFERS = "transfers.run"
    CANCEL_OWN_REQUESTS = "requests.cancel_own"
    CANCEL_ANY_REQUEST = "requests.cancel_any"
    READ_APPROVALS = "approvals.read"
    DECIDE_APPROVALS = "approvals.decide"
    REVERSE_PAYMENTS = "payments.reverse"
    MANAGE_ACCOUNTS = "accounts.manage"
    READ_CHAINS = "chains.read"
    READ_TRAIL = "trail.read"
    EXPORT_TRAIL = "trail.export"
    REVIEW_DAYS = "days.review"
    VERIFY_TRAIL = "trail.verify"
    MANAGE_HOLDS = "holds.manage"
    READ_ALERTS = "alerts.read"
    MANAGE_ALERTS = "alerts.manage"
    MANAGE_EVENTS = "events.manage"
    READ_STAFF = "staff.read"
    MANAGE_STAFF = "staff.manage"
    MAINTAIN_RECORDS = "records.maintain"


class Role(StrEnum):
    TELLER = "teller"
    SUPERVISOR = "supervisor"
    COMPLIANCE = "compliance"
    ADMIN = "admin"


_READ_MONEY = frozenset(
    {Permission.READ_ACCOUNTS, Permission.READ_PAYMENTS, Permission.READ_CHAINS}
)
_MOVE_MONEY = frozenset(
    {Permission.OPEN_ACCOUNTS, Permission.RUN_TRANSFERS, Permission.CANCEL_OWN_REQUESTS}
)
_OVERSEE = frozenset(
    {
        Permission.CANCEL_ANY_REQUEST,
        Permission.READ_APPROVALS,
        Permission.DECIDE_APPROVALS,
        Permission.REVERSE_PAYMENTS,
        Permission.MANAGE_ACCOUNTS,
        Permission.MANAGE_EVENTS,
    }
)

_GRANTED: dict[Role, frozenset[Permission]] = {
    Role.TELLER: _READ_MONEY | _MOVE_MONEY,
    Role.SUPERVISOR: _READ_MONEY | _MOVE_MONEY | _OVERSEE,
    Role.COMPLIANCE: _READ_MONEY
    | {
        Permission.READ_APPROVALS,
        Permission.READ_TRAIL,
        Permission.EXPORT_TRAIL,
        Permission.REVIEW_DAYS,
        Permission.VERIFY_TRAIL,
        Permission.MANAGE_HOLDS,
        Permission.READ_ALERTS,
        Permission.MANAGE_ALERTS,
        Permission.MANAGE_EVENTS,
        Permission.READ_STAFF,
    },
    Role.ADMIN: frozenset(
        {Permission.READ_STAFF, Permission.MANAGE_STAFF, Permission.MAINTAIN_RECORDS}
    ),
}

_STAND_ALONE = (Role.COMPLIANCE, Role.ADMIN)
"""Compliance may not move money nor manage staff, an admin may not move money nor see it."""


def granted(roles: Iterable[Role]) -> frozenset[Permission]:
    """Everything that a person with these roles may do."""
    permissions = {permission for role in roles for permission in _GRANTED[role]}
    return frozenset({Permission.USE_DASHBOARD, *permissions})


def conflicting(roles: Collection[Role]) -> tuple[Role, Role] | None:
    """Two of these roles that one person must not have together, or ``None``."""
    for alone in _STAND_ALONE:
        if alone in roles:
            for other in Role:
                if other in roles and other != alone:
                    return alone, other
    return None


def requires(
    permission: Permission,
    *,
    viewing: str = "",
    searching: str = "",
    exporting: str = "",
    before_first_password: bool = False,
    before_second_factor: bool = False,
) -> Callable[[StaffView[P]], View[P]]:
    """Guard a view: the sign-in page for strangers, 403 for others, the person's time zone.

    The 403 page leaves an entry ``access.refused`` in the trail. Whoever still has the first
    password is sent to change it, unless the view may be used ``before_first_password``. Then,
    where a second factor is compulsory, whoever has none is led to add one, unless the view may be
    used ``before_second_factor``.

    A page of a record, or that lists, names what it shows by one of ``viewing``, ``searching`` and
    ``exporting``: ``viewing="account"``. It is shown once the trail has the entry: ``Reading``.
    """
    reading = Reading(viewing=viewing, searching=searching, exporting=exporting)

    def guard(view: StaffView[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            look = reading.begin(request, cast("dict[str, str]", kwargs))
            person = request.user
            if not person.is_authenticated:
                return _to_sign_in(request)
            if not person.has_perm(permission):
                raise PermissionDenied(permission)
            if request.method not in _METHODS:
                return HttpResponseNotAllowed(_METHODS)
            if first := _must_first(person, before_first_password, before_second_factor):
                return redirect(first)
            note_tampering(request, person.username)
            person.set_scene()
            asked = cast("StaffRequest", request)
            if look is None or request.method != "GET":
                asked.session.touch(utc_now())
            asked.look = look
            with drafts.filled_in(asked, person.username) as is_draft:
                answer = view(asked, *args, **kwargs)
            if look is not None:
                look.record(answer)
            if is_draft:
                drafts.forget(answer)
            return answer

        guarded.permission = permission  # type: ignore[attr-defined]  # what the walk over all addresses looks for
        guarded.reading = reading  # type: ignore[attr-defined]  # as above
        return cast("View[P]", guarded)

    return guard


def _must_first(person: "Staff", before_password: bool, before_factor: bool) -> str:
    """Where somebody has to go before anything else; empty for nowhere."""
    if person.record.must_change_password and not before_password:
        return "admin:password_change"
    if person.must_add_factor and not (before_password or before_factor):
        return "admin:second_factor"
    return ""


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    back = QueryDict(mutable=True)
    back["next"] = request.get_full_path()
    answer = redirect(f"{reverse('admin:login')}?{back.urlencode(safe='/')}")
    if request.method == "POST":
        drafts.keep(request, answer, drafts.last_person(request))
    return answer


def public(view: F) -> F:
    """Declare that a view is for everyone, signed in or not."""

    @wraps(view)
    def declared(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in _METHODS:
            return HttpResponseNotAllowed(_METHODS)
        answer: HttpResponse = view(request, *args, **kwargs)
        return answer

    declared.is_public = True  # type: ignore[attr-defined]  # as above
    return declared  # type: ignore[return-value]  # called just as the view is
