"""The engine itself stopped for seconds, or killed: callers learn the truth, at once or later."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from dynamodb import local
from dynamodb.local import Engine
from payments import policy
from payments.turns import TRANSFER_SECONDS
from tests.engines import throwaway_engine
from tests.faults.asks import Notebook, run, settle
from tests.faults.traffic import Traffic, eight_accounts
from tests.faults.verdict import judge
from tests.faults.ways import stored
from tests.stores import configure, leave
from tests.tried import FULL, missed, share, tell

pytestmark = [pytest.mark.integration, pytest.mark.load, pytest.mark.timeout(600)]

KILLS = share(5)
PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 10.0) if FULL else (2.0, 10.0)
BETWEEN = 40
"""Transfers acknowledged before each trouble and after the last."""

REQUEST_SECONDS = 4.0
"""What the last request may take to connect and to time out."""


@pytest.fixture
def own_engine() -> Iterator[Engine]:
    """An engine of this test's own, on disk, with tables."""
    with throwaway_engine(in_memory=False) as engine:
        configure(engine.endpoint_url)
        yield engine
        leave()


@contextmanager
def writing(traffic: Traffic, notebook: Notebook) -> Iterator[None]:
    """Let writers go on, in the background, until the block ends."""
    over = threading.Event()
    writers = threading.Thread(target=run, args=(traffic.until(over.is_set), notebook))
    writers.start()
    try:
        yield
    finally:
        over.set()
        writers.join()


def more_acknowledged(notebook: Notebook) -> None:
    """Wait until transfers go through again."""
    wanted, deadline = notebook.acknowledged + BETWEEN, time.monotonic() + 60
    while notebook.acknowledged < wanted:
        assert time.monotonic() < deadline, f"{notebook.acknowledged} of {wanted}"
        time.sleep(0.01)


def test_a_paused_engine_loses_nothing_and_keeps_nobody_waiting(own_engine: Engine) -> None:
    name = "the engine paused"
    notebook, traffic = Notebook(), Traffic(eight_accounts())
    with writing(traffic, notebook):
        for seconds in PAUSES_SECONDS:
            more_acknowledged(notebook)
            os.kill(own_engine.pid, signal.SIGSTOP)
            time.sleep(seconds)  # this is the fault
            os.kill(own_engine.pid, signal.SIGCONT)
        more_acknowledged(notebook)
    settled = settle(traffic.asked, notebook)

    tell(name, "pauses", len(PAUSES_SECONDS))
    tell(name, "seconds, longest pause", max(PAUSES_SECONDS), at_least=10)
    tell(
        name,
        "seconds, longest answer",
        notebook.longest_seconds,
        at_most=TRANSFER_SECONDS + REQUEST_SECONDS + 2,  # of a busy machine's own
    )
    assert judge(name, notebook, stored(), settled) == []
    assert missed(name) == []


def killed_and_back(engine: Engine) -> Engine:
    """Kill an engine at once and start another on its folder and port."""
    os.kill(engine.pid, signal.SIGKILL)
    if child := local._children.pop(engine.pid, None):
        child.wait()
    lease = local.start(engine.data_dir, engine.port)
    lease.release()
    return lease.engine


def test_a_killed_engine_loses_at_most_its_last_commit_and_that_one_whole(
    own_engine: Engine,
) -> None:
    """Each transfer goes by itself here, so that those lost are commits."""
    name = "the engine killed"
    policy.configure(replace(policy.policy(), group_commit=1))
    notebook, traffic, engine = Notebook(), Traffic(eight_accounts()), own_engine
    with writing(traffic, notebook):
        for _ in range(KILLS):
            more_acknowledged(notebook)
            engine = killed_and_back(engine)
        more_acknowledged(notebook)
    settled = settle(traffic.asked, notebook)

    kept = stored()
    lost = {each: [*notebook.told(each)] for each in notebook.ended - kept.keys()}
    tell(name, "kill -9", KILLS, at_least=KILLS)
    tell(name, "lost whole by the engine, its last commit", len(lost), at_most=KILLS)
    assert judge(name, notebook, lost | kept, settled) == []
    assert missed(name) == []
