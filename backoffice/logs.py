"""Log lines: one JSON object per event, on stderr, with the id of the request it belongs to.

JSON escapes control characters: whatever somebody sent, it stays inside its line.
"""

from logging import LogRecord
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from audit import context


class EventFormatter(JsonFormatter):
    def __init__(self) -> None:
        names = {"levelname": "level", "name": "logger"}
        super().__init__(
            "{levelname}{name}{message}", style="{", rename_fields=names, timestamp="at"
        )

    def add_fields(
        self, log_data: dict[str, Any], record: LogRecord, message_dict: dict[str, Any]
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        request = log_data.pop("request", None)
        sent = getattr(request, "META", {}).get("HTTP_X_REQUEST_ID", "")
        log_data["request_id"] = context.current().request_id or sent


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"event": {"()": "backoffice.logs.EventFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "event"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "gunicorn.error": {"handlers": [], "level": "WARNING", "propagate": True},
        "botocore": {"level": "WARNING"},
        "environ": {"level": "WARNING"},
        "pynamodb": {"level": "WARNING"},
    },
}
