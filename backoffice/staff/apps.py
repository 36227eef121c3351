from django.apps import AppConfig


class StaffConfig(AppConfig):
    name = "backoffice.staff"
    label = "staff"

    def ready(self) -> None:
        from backoffice.staff import signals  # noqa: F401 - connects the receivers
