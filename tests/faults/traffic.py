"""What the writers ask: transfers between few accounts, some doomed, some sent twice."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle

from dynamodb.times import utc_now
from payments.identifiers import new_payment_id
from tests.builders import opened
from tests.faults.asks import Ask
from tests.faults.trouble import MARKS
from tests.faults.ways import Looks, Order, Way, by_service, opening

ACCOUNTS = 8
MAKERS = tuple(f"maker{number}" for number in range(16))
"""A person's total of the day moves with each of their transfers, so one person would queue."""

STEPS = (timedelta(), timedelta(hours=1), timedelta(hours=-1))


def eight_accounts() -> list[str]:
    """Ids of accounts to move money between; the first has nothing, so is soon refused."""
    balances = [0, *[5_000] * (ACCOUNTS - 1)]
    return [
        opened(f"traffic-{number}", balance=balance).id for number, balance in enumerate(balances)
    ]


@dataclass
class Traffic:
    """Asks without end, the same every time but for their ids. ``asked`` keeps each by its name.

    ``ways`` are tried at random, ``doomed`` of the transfers carry a mark of the proxy's.
    """

    accounts: Sequence[str]
    ways: Sequence[Way] = (by_service,)
    makers: Sequence[str] = MAKERS
    doomed: float = 0.0
    openings: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    looks: Looks = field(default_factory=Looks)
    asked: dict[str, Ask] = field(default_factory=dict)
    clock_steps: int = 0
    sent_twice: int = 0
    _step: timedelta = STEPS[0]
    _marks: Iterator[str] = field(default_factory=lambda: cycle(MARKS))

    def until(self, enough: Callable[[], bool]) -> Iterator[Ask]:
        """Go on until it is enough; one ask in ten comes twice at once, one is looked at."""
        while not enough():
            ask = self._next()
            self.asked[ask.name] = ask
            yield ask
            if self.chance.random() < 0.1:
                self.sent_twice += 1
                yield ask

    def order(self) -> Order:
        """A transfer, at a clock that steps by an hour now and then."""
        source, target = self.chance.sample(self.accounts, 2)
        at = self._clock()
        mark = next(self._marks) if self.chance.random() < self.doomed else ""
        return Order(
            payment_id=new_payment_id(at),
            source=source,
            target=target,
            amount_minor=self.chance.randint(1, 30),
            at=at,
            maker=self.chance.choice(self.makers),
            mark=mark,
            limit_seconds=self.chance.choice((0.3, 1.0)) if mark else 10.0,
        )

    def _next(self) -> Ask:
        if self.chance.random() < self.openings:
            at = self._clock()
            return opening(f"opening-{new_payment_id(at)}", at)
        order = self.order()
        ask = self.chance.choice(self.ways)(order)
        return self.looks.after(ask, order.source) if self.chance.random() < 0.1 else ask

    def _clock(self) -> datetime:
        if self.chance.random() < 0.05:
            self._step = self.chance.choice([step for step in STEPS if step != self._step])
            self.clock_steps += 1
        return utc_now() + self._step
