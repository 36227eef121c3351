"""For load balancers: whether the process lives, and whether it can work."""

from django.http import HttpRequest, JsonResponse

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
