"""For load balancers: whether the process lives, and whether it can work; figures for operators."""

from http import HTTPStatus

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare

from backoffice.permissions import public
from dynamodb.errors import StoreError
from dynamodb.tables import missing_tables


@public
def alive(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


@public
def ready(_request: HttpRequest) -> JsonResponse:
    """503 with a sentence where the store does not answer or a table is not there."""
    try:
        missing = missing_tables()
    except StoreError as error:
        return JsonResponse({"status": "not ready", "reason": str(error)}, status=503)
    if missing:
        reason = f"Tables are missing: {', '.join(missing)}."
        return JsonResponse({"status": "not ready", "reason": reason}, status=503)
    return JsonResponse({"status": "ready"})


@public
def figures(request: HttpRequest) -> HttpResponse:
    """What Prometheus reads, for whoever knows the token; without a token there is no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        refused = HTTPStatus.UNAUTHORIZED
        return HttpResponse(status=refused, headers={"WWW-Authenticate": "Bearer"})
    from backoffice import metrics

    return HttpResponse(metrics.exposition(), content_type="text/plain; version=0.0.4")
