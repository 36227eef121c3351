"""The faults that are put in, by the name the table gives them, and how many of each."""

from dataclasses import dataclass, field
from typing import Any

from tests.tried import share

COMMIT = "TransactWriteItems"
LATE_MS = 4000
"""Longer than the client waits for an answer."""

UNTIL_HEALED = "all of one transfer until healed"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A rule of the proxy. ``at_least`` of this kind must have fired at the end.

    What stands before a comma in the kind is what the table sums it up under.
    """

    kind: str
    rule: dict[str, Any] = field(repr=False)
    at_least: int


def _some(kind: str, full: int, probability: float, **effect: Any) -> Fault:
    count = share(full)
    rule = {"operation": COMMIT, "times": count, "probability": probability, **effect}
    return Fault(kind=kind, rule=rule, at_least=count)


def _always(mark: str, **effect: Any) -> Fault:
    """All requests of what carries a mark: its outcome cannot be known before the proxy heals."""
    rule = {"operation": COMMIT, "body": f"contains(to_string(@), '{mark}')", **effect}
    return Fault(kind=f"{UNTIL_HEALED}, {mark}", rule=rule, at_least=1)


def _on_reads(kind: str, full: int, probability: float, **effect: Any) -> Fault:
    rule = {"times": share(full), "probability": probability, **effect}
    return Fault(kind=f"{kind}, any request", rule=rule, at_least=share(full))


def _error(code: str, status: int = 400, **fields: Any) -> dict[str, Any]:
    return {"code": code, "status": status, "message": "put in by a test", "fields": fields}


ANSWER_LOST = {"response": {"abort_bytes": 0}}
"""The engine has done it; the connection breaks before the answer."""

REQUEST_LOST = {"reset": True}
CONFLICT = _error(
    "TransactionCanceledException",
    CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}],
)

MARKS: dict[str, dict[str, Any]] = {
    "answers lost": ANSWER_LOST,
    "requests lost": REQUEST_LOST,
    "conflicts": {"error": CONFLICT},
    "requests late": {"latency": LATE_MS},
}

FAULTS = (
    *(_always(mark, **effect) for mark, effect in MARKS.items()),
    _some("dropped answer, of a commit", 300, 0.05, **ANSWER_LOST),
    _some("dropped request, reset", 150, 0.03, **REQUEST_LOST),
    _some("dropped request, upload cut", 150, 0.03, request={"cut_upload": {"after_bytes": 1}}),
    _some("conflict", 300, 0.05, error=CONFLICT),
    _some("throttle, of a commit", 150, 0.03, error=_error("ThrottlingException")),
    _some(
        "throttle, throughput", 150, 0.03, error=_error("ProvisionedThroughputExceededException")
    ),
    _some("timeout, never arrives", 40, 0.01, timeout_ms=LATE_MS),
    _some("timeout, arrives late", 40, 0.01, latency=LATE_MS),
    _some("timeout, answer late", 20, 0.01, response={"bandwidth_kbps": 0.0005}),
    _some("server error, of a commit", 100, 0.02, error=_error("InternalServerError", 500)),
    _some("in progress", 50, 0.01, error=_error("TransactionInProgressException")),
    _on_reads("dropped answer", 200, 0.02, **ANSWER_LOST),
    _on_reads("throttle", 200, 0.02, error=_error("ThrottlingException")),
    _on_reads("server error", 100, 0.01, error=_error("InternalServerError", 500)),
)
