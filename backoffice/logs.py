"""Log lines: one JSON object per event, on stderr, with the request it belongs to and who acted.

JSON escapes control characters: whatever somebody sent, it stays inside its line.
"""

from datetime import UTC, datetime
from logging import LogRecord
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from audit import context
from dynamodb.times import to_rfc3339


class EventFormatter(JsonFormatter):
    def add_fields(
        self, log_data: dict[str, Any], record: LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Say when, how grave, by whom in the program, and name request and actor.

        Django's own ``request`` is no more than where to look for both.
        """
        at = to_rfc3339(datetime.fromtimestamp(record.created, UTC))
        log_data |= {"at": at, "level": record.levelname, "logger": record.name}
        log_data["message"] = record.message
        super().add_fields(log_data, record, message_dict)
        meta = getattr(log_data.pop("request", None), "META", {})
        asked = context.current().request_id or meta.get("HTTP_X_REQUEST_ID", "")
        log_data.setdefault("request_id", asked)
        log_data.setdefault("actor", context.acting())


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "event": {"()": EventFormatter, "rename_fields": {"exc_info": "exception"}},
    },
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
