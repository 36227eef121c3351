"""The signed-in person, as Django wants one: a view on a stored record, never written itself."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password
from django.db import models  # noqa: TID251 - Django takes nothing but a model for its user
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac

from audit.context import Actor
from audit.models import AuditHead
from backoffice import numbers
from backoffice.permissions import Permission, Role, granted
from backoffice.staff import queries
from backoffice.staff.records import StaffRecord


class StaffManager(BaseUserManager["Staff"]):
    """Finds people in DynamoDB; it has no QuerySet that would work."""

    def get_by_natural_key(self, username: str | None) -> "Staff":
        """Raises ``Staff.DoesNotExist``."""
        record = queries.find(username or "")
        if record is None:
            raise Staff.DoesNotExist(f"There is no member of staff named {username!r}.")
        return Staff.of(record)


@cache
def _known(roles: tuple[str, ...]) -> tuple[Role, ...]:
    return tuple(role for role in Role if role in roles)


_granted = cache(granted)


class Staff(AbstractBaseUser):
    """A member of staff. Changes go through ``backoffice.staff.services``, with their entry."""

    username = models.CharField(primary_key=True, max_length=queries.USERNAME_LENGTH)
    last_login = None
    record: StaffRecord
    known_heads: "Mapping[str, AuditHead | None]" = {}
    """Heads of their chains, where they were read together with the record."""

    objects: ClassVar[StaffManager] = StaffManager()

    USERNAME_FIELD = "username"
    is_staff = True

    class Meta:
        managed = False

    def __str__(self) -> str:
        return self.username

    @classmethod
    def of(cls, record: StaffRecord) -> "Staff":
        person = cls(username=record.username, password=record.password)
        person.record = record
        return person

    @property
    def is_active(self) -> bool:  # type: ignore[override]  # Django's is a plain attribute
        return self.record.is_active

    @property
    def must_add_factor(self) -> bool:
        """Whether the house asks for a second factor and the person has none."""
        return settings.MFA_REQUIRED and not self.record.factors

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles of this release; one from elsewhere that is unknown here grants nothing."""
        return _known(tuple(map(str, self.record.roles)))

    @property
    def actor(self) -> Actor:
        """The person as the one who acts."""
        return Actor(id=self.username, roles=tuple(map(str, self.roles)))

    @property
    def full_name(self) -> str:
        return self.record.full_name or self.username

    @property
    def email(self) -> str:
        return self.record.email or ""

    @property
    def zone(self) -> ZoneInfo:
        """The person's time zone; UTC where this machine does not know it."""
        try:
            return ZoneInfo(self.record.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")

    def set_scene(self) -> None:
        """From here on show times, words and numbers as the person prefers them."""
        timezone.activate(self.zone)
        numbers.use(self.record.number_format)
        if self.record.language in dict(settings.LANGUAGES):
            translation.activate(self.record.language)

    def get_all_permissions(self, _obj: object = None) -> frozenset[Permission]:
        return _granted(self.roles) if self.is_active else frozenset()

    def has_perm(self, perm: str, _obj: object = None) -> bool:
        return perm in self.get_all_permissions()

    def has_module_perms(self, _app_label: str) -> bool:
        """Every active member of staff has something to see in every part."""
        return self.is_active

    def check_password(self, raw_password: str | None) -> bool:
        """Unlike Django's, never rewrites the hash by the way: that would leave no entry."""
        return check_password(raw_password, self.password)

    def refresh_from_db(self, *_args: Any, **_kwargs: Any) -> None:
        """Read the record anew; raises ``Staff.DoesNotExist``."""
        found = Staff.objects.get_by_natural_key(self.username)
        self.record, self.password = found.record, found.record.password

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """What a session must be of to go on: this password, and no epoch that has ended."""
        of = f"{self.password}:{self.record.session_epoch}"
        return salted_hmac(__name__, of, secret=secret, algorithm="sha256").hexdigest()

    def save(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError("Staff are changed by backoffice.staff.services, which leaves an entry.")
