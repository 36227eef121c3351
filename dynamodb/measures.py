"""Figures for whoever measures: told where they arise, counted elsewhere or nowhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, float, dict[str, str]], None]
"""Takes the name of a figure, its value, and what it is of."""

_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Let somebody hear every figure from now on. It must be quick, and must not fail."""
    _listeners.append(listener)


def stop_listening(listener: Listener) -> None:
    _listeners.remove(listener)


def is_heard() -> bool:
    return bool(_listeners)


def tell(name: str, value: float = 1.0, **of: str) -> None:
    for listener in _listeners:
        listener(name, value, of)


@contextmanager
def timed(name: str, **of: str) -> Iterator[dict[str, str]]:
    """Tell how many seconds something took, and how it ended: what is yielded may be added to.

    Without an ``outcome`` it is ``ok``, or the code or name of the error that ended it.
    """
    began = time.monotonic()
    try:
        yield of
    except Exception as error:
        of.setdefault("outcome", str(getattr(error, "code", type(error).__name__)))
        raise
    finally:
        of.setdefault("outcome", "ok")
        tell(name, time.monotonic() - began, **of)
