"""The back office and its admin, as Django applications."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig
from django.core.exceptions import ImproperlyConfigured

from audit import settings as archive
from dynamodb import client
from payments import policy
from payments.events import receivers


class BackOfficeConfig(AppConfig):
    name = "backoffice"

    def ready(self) -> None:
        """Point the data layer at its store and archive, set the numbers that money moves by.

        The first request to either is made later.
        """
        import audit.models  # noqa: F401 - declares its tables
        import backoffice.jobs.records
        import backoffice.reviews.records  # noqa: F401 - the same
        import payments.alerts.records
        import payments.bulk.files
        import payments.events.records
        import payments.history.figures
        import payments.models  # noqa: F401 - the same
        from backoffice.permissions import Role

        client.configure(settings.DYNAMODB)
        archive.configure(settings.ARCHIVE)
        policy.configure(settings.POLICY)
        receivers.configure(settings.RECEIVERS)
        for role in settings.POLICY.role_limits.roles - set(Role):
            raise ImproperlyConfigured(f"ROLE_LIMITS names a role that there is not: {role}.")


class BackOfficeAdminConfig(SimpleAdminConfig):
    """The Django admin with our site; nothing is discovered, for there are no ``ModelAdmin``."""

    default_site = "backoffice.site.BackOfficeSite"
