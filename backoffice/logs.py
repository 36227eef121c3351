"""Log lines: one JSON object per event, on stderr, with the request it belongs to and who acted.

JSON escapes control characters: whatever somebody sent, it stays inside its line.
"""

import sys
from datetime import UTC, datetime
from typing import Any

from audit import context
from dynamodb.times import to_rfc3339

if "rich" not in sys.modules:  # structlog would load it, for the colours of a terminal
    sys.modules["rich"] = None  # type: ignore[assignment]
import structlog
from structlog.typing import EventDict, WrappedLogger

if not sys.modules["rich"]:
    del sys.modules["rich"]


def add_place(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Say when, how grave, and by whom in the program."""
    record = event["_record"]
    at = to_rfc3339(datetime.fromtimestamp(record.created, UTC))
    return {"at": at, "level": record.levelname, "logger": record.name, **event}


def add_origin(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name request and actor; Django's own ``request`` is no more than where to look for both."""
    meta = getattr(event.pop("request", None), "META", {})
    asked = context.current().request_id or meta.get("HTTP_X_REQUEST_ID", "")
    event.setdefault("request_id", asked)
    event.setdefault("actor", context.acting())
    return event


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "event": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": [structlog.stdlib.ExtraAdder()],
            "processors": [
                add_place,
                add_origin,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.EventRenamer("message"),
                structlog.processors.JSONRenderer(),
            ],
        }
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
