"""Processes killed in mid-transfer: whoever asks again finds out, and nothing stays in between."""

import time

import pytest

from tests.faults.asks import SETTLED_SECONDS, Notebook
from tests.faults.proxy import Proxy
from tests.faults.serving import Server
from tests.faults.traffic import Traffic, eight_accounts
from tests.faults.trouble import COMMIT, Fault
from tests.faults.verdict import judge
from tests.faults.ways import Order, stored
from tests.tried import FULL, missed, share, tell

pytestmark = [
    pytest.mark.integration,
    pytest.mark.load,
    pytest.mark.timeout(1800 if FULL else 300),
]

KILLS = share(50)
ORDERS = 40
NAME = "servers killed"

SLOW = Fault(
    kind="commit delayed",
    rule={"operation": COMMIT, "latency": {"min": 0, "max": 80}},
    at_least=KILLS,
)
"""As on the way to AWS: what a killed server had sent arrives after its death."""


def test_what_a_killed_server_left_unanswered_settles_in_the_next(proxy: Proxy) -> None:
    notebook = Notebook()
    traffic = Traffic(eight_accounts())
    orders: dict[str, Order] = {}
    left: list[Order] = []
    unanswered = arrived = 0
    proxy.spoil([SLOW])
    for _ in range(KILLS):
        server = Server(notebook, proxy.url)
        kept = stored()
        unanswered += len(left)
        arrived += sum(order.name in kept for order in left)
        new = [traffic.order() for _ in range(ORDERS)]
        orders |= {order.name: order for order in new}
        for order in left + new:
            server.ask(order)
        server.wait_until_left(traffic.chance.randint(ORDERS // 2, ORDERS - 1))
        time.sleep(traffic.chance.uniform(0, 0.1))  # its moment is the fault
        left = server.kill()
        assert left, "it was not killed in mid-transfer"
    fired = proxy.fired([SLOW])
    proxy.heal()
    healed = time.monotonic()
    while open_names := orders.keys() - notebook.ended:
        assert time.monotonic() - healed < SETTLED_SECONDS, f"{len(open_names)} are still unknown"
        server = Server(notebook, proxy.url)
        for name in open_names:
            server.ask(orders[name])
        assert server.close() == []
    seconds = time.monotonic() - healed
    proxy.drain()

    tell(NAME, "kill -9 of a server in mid-transfer", KILLS, at_least=KILLS)
    tell(NAME, "commits delayed", fired[SLOW.kind], at_least=SLOW.at_least)
    tell(NAME, "unanswered, asked again of the next", unanswered)
    tell(NAME, "of these done all the same", arrived)
    tell(NAME, "acknowledged", notebook.acknowledged, at_least=KILLS * ORDERS)
    assert judge(NAME, notebook, stored(), (len(left), seconds)) == []
    assert missed(NAME) == []
