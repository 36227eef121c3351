"""What is told of every request: a line of the log, a figure, a span."""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from audit import context
from backoffice import tracing
from dynamodb import measures

_log = logging.getLogger(__name__)

Answer = Callable[[HttpRequest], HttpResponse]

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


def watched(get_response: Answer) -> Answer:
    """Tell of a request when it is answered: who asked for which page, and how it ended.

    Neither the query nor anything that was sent is told. Probes ask by address, not by name.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(settings.STATIC_URL):
            return get_response(request)
        if request.path in PROBES:
            request.META["HTTP_HOST"] = settings.ALLOWED_HOSTS[0].lstrip(".")
            return get_response(request)
        began, method = time.monotonic(), str(request.method)
        with tracing.page(method, context.current().request_id) as span:
            response = get_response(request)
            found = request.resolver_match
            view = found.view_name if found else "none"
            if span:
                span.update_name(f"{method} {view}")
                span.set_attribute("http.response.status_code", response.status_code)
        seconds = time.monotonic() - began
        measures.tell("page", seconds, view=view, outcome=str(response.status_code))
        line = {"method": method, "path": request.path[:256], "status": response.status_code}
        _log.info("answered", extra={**line, "milliseconds": round(seconds * 1000)})
        return response

    return middleware
