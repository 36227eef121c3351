"""Ask, note what was answered, ask again, and hold the answers against the store.

An ``Ask`` is a plain callable with a name: calling it again is the same request. Whatever changes
money can be put through the faults by giving such a callable.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from dynamodb.errors import OutcomeUnknownError, StoreBusyError

WRITERS = 16
SETTLED_SECONDS = 30.0

BUSY, UNKNOWN, WRONG = "busy", "unknown", "wrong"
NO_END = {BUSY, UNKNOWN, WRONG}


@dataclass(frozen=True)
class Ask:
    """``act`` gives what became of it in words, or how what the store keeps of it begins."""

    name: str
    act: Callable[[], str]


@dataclass
class Notebook:
    """Every answer that a caller was given, by the name of what was asked."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    longest_seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, ask: Ask) -> str:
        """Ask once and note the answer. Any error but busy and unknown is noted as wrong."""
        started = time.monotonic()
        try:
            answer = ask.act()
        except StoreBusyError:
            answer = BUSY
        except OutcomeUnknownError:
            answer = UNKNOWN
        except Exception as error:  # noqa: BLE001 - whatever else callers see fails the test
            answer = WRONG
            self.wrong.append(f"{ask.name}: {error!r}")
        self.note(ask.name, answer, time.monotonic() - started)
        return answer

    def note(self, name: str, answer: str, seconds: float = 0.0) -> None:
        with self._lock:
            self.answers.setdefault(name, []).append(answer)
            if answer not in NO_END:
                self.ended.add(name)
            self.longest_seconds = max(self.longest_seconds, seconds)

    def told(self, name: str) -> set[str]:
        """The answers to a name that say how it ended."""
        return {*self.answers.get(name, ())} - NO_END

    @property
    def acknowledged(self) -> int:
        return len(self.ended)

    def unsettled(self) -> list[str]:
        """Names that were answered "unknown" and never with an end."""
        return [
            name
            for name, answers in self.answers.items()
            if UNKNOWN in answers and name not in self.ended
        ]

    def count(self) -> Counter[str]:
        """Answers by their first word."""
        return Counter(answer.split()[0] for answers in self.answers.values() for answer in answers)

    def faults(self, stored: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Sentences on answers that the store does not bear out, by what is wrong with them."""
        lost, doubled, untrue = [], [], list(self.wrong)
        for name, answers in self.answers.items():
            told, kept = self.told(name), stored.get(name, ())
            if len(kept) > 1:
                doubled.append(f"{name}: kept {kept}")
            if told and not kept:
                lost.append(f"{name}: answered {answers}")
            if len(told) > 1:
                untrue.append(f"{name}: answered in two ways, {told}")
            if kept and not all(kept[0].startswith(answer) for answer in told):
                untrue.append(f"{name}: answered {told}, kept {kept}")
            if kept and {*answers} == {BUSY}:
                untrue.append(f"{name}: answered as if nothing had happened, kept {kept}")
        return {"lost": lost, "doubled": doubled, "answered untruly": untrue}


def run(asks: Iterable[Ask], notebook: Notebook, writers: int = WRITERS) -> None:
    """Let writers ask what comes next until nothing does."""
    coming, lock = iter(asks), threading.Lock()

    def write(_: int) -> None:
        while True:
            with lock:
                ask = next(coming, None)
            if ask is None:
                return
            notebook.ask(ask)

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))


def settle(asks: Mapping[str, Ask], notebook: Notebook) -> tuple[int, float]:
    """Ask again whatever is unknown, by its name; gives how many and how long it took."""
    started, open_names = time.monotonic(), notebook.unsettled()
    while left := notebook.unsettled():
        in_time = time.monotonic() - started < SETTLED_SECONDS
        told = {name: notebook.answers[name][-3:] for name in left}
        assert in_time, f"still open: {told}; wrong: {notebook.wrong}"
        run([asks[name] for name in left], notebook)
    return len(open_names), time.monotonic() - started
