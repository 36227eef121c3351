"""Traces for OpenTelemetry: a span for each page, and within it for each call of the store.

On where `OTEL_EXPORTER_OTLP_ENDPOINT` is set and `requirements-tracing.txt` is installed; the other
variables of OpenTelemetry hold as ever.
"""

import logging
import os
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from dynamodb import measures

_log = logging.getLogger(__name__)
_tracer: Any = None


def begin() -> None:
    """Send traces from now on, if they are wanted and can be."""
    global _tracer  # noqa: PLW0603 - one tracer a process
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _log.warning("No traces are sent: requirements-tracing.txt is not installed.")
        return
    os.environ.setdefault("OTEL_SERVICE_NAME", "payments-backoffice")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("backoffice")
    measures.listen(_hear)


def page(method: str, request_id: str) -> AbstractContextManager[Any]:
    """The span of one request, if traces are on; the name of its page is put in by ``measures``."""
    if _tracer is None:
        return nullcontext()
    span = _tracer.start_as_current_span(method, attributes={"request.id": request_id})
    made: AbstractContextManager[Any] = span
    return made


def _hear(name: str, value: float, of: dict[str, str]) -> None:
    if name not in {"call", "transfer"}:
        return
    now = time.time_ns()
    title = f"DynamoDB {of['operation']}" if name == "call" else name
    _tracer.start_span(title, start_time=now - int(value * 1e9), attributes=of).end(now)
