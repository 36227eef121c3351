"""Log lines: one JSON object per event, on stderr, with the request it belongs to and who acted.

JSON escapes control characters: whatever somebody sent, it stays inside its line.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from audit import context
from dynamodb.times import to_rfc3339

_PLAIN = logging.makeLogRecord({}).__dict__.keys() | {"message", "asctime"}


class EventFormatter(logging.Formatter):
    """A record as JSON: when, how grave, where in the program, what it tells besides, by whom."""

    def format(self, record: logging.LogRecord) -> str:
        told = {name: value for name, value in record.__dict__.items() if name not in _PLAIN}
        meta = getattr(told.pop("request", None), "META", {})
        asked = context.current().request_id or meta.get("HTTP_X_REQUEST_ID", "")
        event = {
            "at": to_rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "logger": record.name,
            "request_id": asked,
            "actor": context.acting(),
            **told,
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, default=repr)


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "event": {"()": EventFormatter},
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
