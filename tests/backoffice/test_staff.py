import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from pytest_django import Settings

from audit.context import Actor
from backoffice import settings as own_settings
from backoffice.permissions import Role
from backoffice.staff import queries, refusals, services
from backoffice.staff.models import Staff
from tests.backoffice.people import AT, SETUP, a_member, chain, deactivated

pytestmark = pytest.mark.usefixtures("moto_store")


def test_a_new_member_has_a_first_entry_without_the_password() -> None:
    member = a_member(roles=[Role.TELLER, Role.SUPERVISOR])
    (entry,) = chain("staff:someone")
    assert (entry.action, entry.user_id, entry.seq) == ("staff.created", "system:setup", 1)
    assert member.password not in str(entry.serialize())
    assert member.roles == (Role.TELLER, Role.SUPERVISOR)
    assert member.record.audit_hash == entry.hash


def test_passwords_are_kept_by_argon2(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = own_settings.PASSWORD_HASHERS
    assert identify_hasher(make_password("a-long-enough-2026!")).algorithm == "argon2"


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"username": "Someone"}, refusals.InvalidUsername),
        ({"username": "1one"}, refusals.InvalidUsername),
        ({"username": "system:x"}, refusals.InvalidUsername),
        ({"username": "x" * 41}, refusals.InvalidUsername),
        ({"username": ""}, refusals.InvalidUsername),
        ({"roles": []}, refusals.NoRole),
        ({"roles": [Role.ADMIN, Role.TELLER]}, refusals.ConflictingRoles),
        ({"password": "short"}, refusals.WeakPassword),
        ({"time_zone": "Mars/Olympus"}, refusals.UnknownTimeZone),
    ],
)
def test_a_member_that_cannot_be(values: dict[str, object], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        a_member(**values)  # type: ignore[arg-type]  # one value of each kind
    assert not queries.is_anybody_there()


def test_a_name_is_taken_once() -> None:
    a_member(roles=[Role.TELLER])
    with pytest.raises(refusals.UsernameTaken):
        a_member(roles=[Role.ADMIN])
    assert Staff.objects.get_by_natural_key("someone").roles == (Role.TELLER,)
    assert len(chain("staff:someone")) == 1


def test_a_password_given_by_another_is_changed_at_first_use() -> None:
    a_member()
    services.set_password(username="someone", password="given-by-an-admin-1", actor=SETUP, at=AT)
    record = queries.find("someone")
    assert record is not None
    assert record.must_change_password


def test_a_weak_password_is_refused_by_the_service_too() -> None:
    a_member()
    with pytest.raises(refusals.WeakPassword):
        services.set_password(
            username="someone", password="someone-example", actor=Actor(id="someone"), at=AT
        )


def test_nobody_is_changed_who_is_not_there() -> None:
    with pytest.raises(refusals.StaffNotFound):
        services.set_preferences(username="nobody", time_zone="UTC", actor=SETUP, at=AT)
    with pytest.raises(Staff.DoesNotExist):
        Staff.objects.get_by_natural_key("nobody")


def test_staff_are_not_written_past_their_services() -> None:
    with pytest.raises(TypeError, match="Staff are changed by"):
        a_member().save()


def test_a_member_can_be_read_anew() -> None:
    member = a_member()
    deactivated("someone")
    assert member.has_perm("dashboard.use")
    member.refresh_from_db()
    assert not member.is_active
    assert not member.has_perm("dashboard.use")


def test_a_zone_this_machine_does_not_know_is_utc() -> None:
    member = a_member()
    member.record.time_zone = "Mars/Olympus"
    assert str(member.zone) == "UTC"


def test_none_of_the_last_four_passwords_is_taken_again() -> None:
    a_member(password="number-0-of-many!")
    me = Actor(id="someone")
    for number in range(1, 6):
        services.set_password(
            username="someone", password=f"number-{number}-of-many!", actor=me, at=AT
        )
        for last in range(max(0, number - 3), number + 1):
            with pytest.raises(refusals.WeakPassword, match="one of your last 4"):
                services.set_password(
                    username="someone", password=f"number-{last}-of-many!", actor=me, at=AT
                )
    services.set_password(username="someone", password="number-1-of-many!", actor=me, at=AT)
    record = queries.find("someone")
    assert record is not None
    assert len(record.past_passwords or []) == 3
    assert not any("past" in str(entry.serialize()) for entry in chain("staff:someone"))
