"""Why staff are not changed as asked."""

from backoffice.permissions import Role
from payments.refusals import Refusal


class InvalidUsername(Refusal):
    code = "invalid_username"
    field = "username"
    sentence = (
        "A username has 1 to 40 small letters, digits, dots, dashes and underscores, "
        "and begins with a letter."
    )


class UsernameTaken(Refusal):
    code = "username_taken"
    field = "username"
    sentence = "There is already a member of staff with this username."


class NoRole(Refusal):
    code = "no_role"
    field = "roles"
    sentence = "A member of staff needs at least one role."


class ConflictingRoles(Refusal):
    code = "conflicting_roles"
    field = "roles"

    def __init__(self, pair: tuple[Role, Role]) -> None:
        super().__init__(f"One person cannot be both {pair[0]} and {pair[1]}.")


class WeakPassword(Refusal):
    code = "weak_password"
    field = "password"


class UnknownTimeZone(Refusal):
    code = "unknown_time_zone"
    field = "time_zone"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name[:40]!r} is not a time zone such as Europe/Berlin or UTC.")


class StaffNotFound(Refusal):
    code = "staff_not_found"
    field = "username"
    sentence = "There is no such member of staff."


class NotAllowed(Refusal):
    code = "not_allowed"
    field = "operator"


class Oneself(Refusal):
    code = "same_person"
    sentence = "Nobody manages their own account: another administrator must do this."


class NoChange(Refusal):
    code = "no_change"


class ListChanged(Refusal):
    code = "list_changed"
    sentence = (
        "What people may do has changed since you opened this page, so nothing was signed. "
        "Look at the list again: it is as of now."
    )


class WrongCode(Refusal):
    code = "wrong_code"
    field = "code"
    sentence = (
        "This was not accepted: it is wrong, out of date or was used before. "
        "Wait for the next code and try again."
    )


class LastFactor(Refusal):
    code = "last_factor"
    sentence = (
        "This is the last second factor. Add another one first, or ask an administrator "
        "for a reset."
    )


class FactorTaken(Refusal):
    code = "factor_taken"
    field = "name"
    sentence = "You have a passkey of this name already."


MOST_VIEWS = 20


class TooManyViews(Refusal):
    code = "too_many_views"
    sentence = f"You have saved {MOST_VIEWS} views already. Remove one first."
