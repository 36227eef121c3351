"""Runs of a reconciliation: killed and taken up, in little memory, on a live store."""

import gc
import json
import threading
import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import count

import pytest

from audit import walks
from audit.replay import Fault, Values
from dynamodb import scans
from dynamodb.scans import beginnings
from payments.models import Payment, PaymentStatus
from payments.reconciliation import rereads
from payments.reconciliation.effects import Effect
from payments.reconciliation.run import Run, reconcile
from tests.builders import opened, transferred
from tests.payments.banks import a_bank, altered, ended, found, loaded_bank, removed, reserved

integration = pytest.mark.integration


@pytest.fixture(autouse=True)
def few_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state of a few KB: it is kept after each page here, and memory is measured beside it."""
    monkeypatch.setattr(walks, "BUCKETS", 2**12)


class Killed(Exception):  # noqa: N818
    pass


@integration
@pytest.mark.usefixtures("local_store")
@pytest.mark.parametrize("segments", [1, 4])
def test_a_run_killed_anywhere_and_taken_up_again_finds_the_same(
    monkeypatch: pytest.MonkeyPatch, segments: int
) -> None:
    bank = a_bank()
    altered(bank.paid, amount=1001)
    altered(bank.source, held=7)
    removed(bank.failed, bank.target)
    monkeypatch.setattr(scans, "PAGE_ITEMS", 4)
    pages = count()

    def counted(_: Run) -> None:
        next(pages)

    whole = reconcile(Run(), counted, segments=segments).report
    assert not whole["ok"]
    for page in range(0, next(pages), 9 // segments):
        kept: list[str] = []

        def until_killed(run: Run, page: int = page, kept: list[str] = kept) -> None:
            kept.append(json.dumps(run.to_json()))
            if len(kept) > page:
                raise Killed

        with pytest.raises(Killed):
            reconcile(Run(), until_killed, segments=segments)
        rest = reconcile(Run.from_json(json.loads(kept[-1])), segments=5 - segments)
        assert rest.report == whole


def without_garbage(_: Run) -> None:
    gc.collect()


@pytest.fixture
def little_garbage() -> Iterator[None]:
    """Let nothing that a run of other tests has left be looked through for garbage."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@integration
@pytest.mark.usefixtures("local_store", "little_garbage")
def test_memory_is_that_of_a_page_whatever_the_store_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "PAGE_ITEMS", 10)
    peaks = []
    reconcile(Run())
    for payments in (100, 700):
        loaded_bank(payments)
        tracemalloc.start()
        report = reconcile(Run(), without_garbage).report
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert report["ok"]
        assert report["payments"] >= payments
    assert peaks[1] - peaks[0] < 600 * 50, "for each payment more, whose records take 10 KB"


@integration
@pytest.mark.usefixtures("local_store")
def test_a_live_store_has_no_faults_and_its_real_ones_are_still_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scans, "PAGE_ITEMS", 20)
    accounts = [opened(f"live-{number}", balance=100_000) for number in range(6)]
    over, landed = threading.Event(), []

    def write(step: int) -> None:
        for number in range(150):
            if over.is_set():
                return
            ends = (accounts[number % 6], accounts[(number + step) % 6])
            landed.append(transferred(*ends, amount_minor=1).payment.id)

    writers = [threading.Thread(target=write, args=(step,)) for step in (1, 2, 4)]
    for writer in writers:
        writer.start()
    try:
        reports = [reconcile(Run()).report for _ in range(2)]
        failed = transferred(accounts[0], "nonsense").payment
        altered(failed, amount=7)
        found_live = found()
    finally:
        over.set()
        for writer in writers:
            writer.join()
    assert [report["faults"] for report in reports] == [[], []]
    assert [report["sums"] for report in reports] == [{"USD": 0}] * 2
    assert len(landed) > 30
    assert found_live == found() == [("amount_differs", failed.id)]


@integration
@pytest.mark.usefixtures("local_store")
def test_what_moves_between_the_walks_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A payment comes up between the looks at payments and entries, and ends between the second."""
    bank, confirm = a_bank(), rereads.confirmed_faults
    doubted: list[str] = []
    pending: list[Payment] = []

    def watched(payment: Values, told: Sequence[Effect]) -> set[Fault]:
        doubted.append(payment["id"])
        return confirm(payment, told)

    def meanwhile(run: Run) -> None:
        if run.places == beginnings() and run.step == 2:
            pending.append(reserved(bank.source, bank.target, 100))
        elif run.places == beginnings() and run.step == 5:
            movements = ((bank.source, -100, -100), (bank.target, 100, 0))
            ended(pending[0], PaymentStatus.PROCESSED, *movements)

    monkeypatch.setattr(rereads, "confirmed_faults", watched)
    assert reconcile(Run(), meanwhile).report["faults"] == []
    assert doubted == [pending[0].id]
