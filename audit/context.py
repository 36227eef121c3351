"""From where a request comes: set once at the edge, right in every thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

USER_AGENT_LENGTH = 256
ID_LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: a member of staff by username, or the system itself by a name with a colon.

    ``roles`` are those of a member of staff: they may bound what is done.
    """

    id: str
    roles: tuple[str, ...] = ()

    @property
    def is_system(self) -> bool:
        return ":" in self.id


@dataclass(frozen=True, kw_only=True)
class Context:
    """Where an action comes from. An empty text is an unknown and is not recorded."""

    ip_address: str = ""
    user_agent: str = ""
    request_id: str = ""


_NOWHERE = Context()
_current: ContextVar[Context] = ContextVar("audit_context", default=_NOWHERE)
_acting: ContextVar[str] = ContextVar("acting", default="")


def current() -> Context:
    """The context of this thread or task."""
    return _current.get()


@contextmanager
def use(context: Context) -> Iterator[None]:
    """Record what happens inside as coming from ``context``."""
    token, acting = _current.set(context), _acting.set("")
    try:
        yield
    finally:
        _acting.reset(acting)
        _current.reset(token)


def name_actor(actor_id: str) -> None:
    """Say who acts, once that is known: for log lines. Entries name their actor themselves."""
    _acting.set(actor_id)


def acting() -> str:
    """Who acts in this thread or task, as far as it was said."""
    return _acting.get()
