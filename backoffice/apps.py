"""The back office and its admin, as Django applications."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig

from dynamodb import client


class BackOfficeConfig(AppConfig):
    name = "backoffice"

    def ready(self) -> None:
        """Point the data layer at its store; the first request to it is made later."""
        import audit.models  # noqa: F401 - declares its tables
        import payments.models  # noqa: F401 - the same

        client.configure(settings.DYNAMODB)


class BackOfficeAdminConfig(SimpleAdminConfig):
    """The Django admin with our site; nothing is discovered, for there are no ``ModelAdmin``."""

    default_site = "backoffice.site.BackOfficeSite"
