"""What the loader fills a store with is whole, and a page of it costs the same at any size."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from audit.verification import Verification, verify_trail
from benchmarks import kept as kept_tables
from benchmarks.listings import LISTINGS, Listing
from benchmarks.loader import fill
from dynamodb import client
from dynamodb.pages import LAST
from dynamodb.settings import Settings
from payments.reconciliation.run import Run, reconcile
from tests import stores
from tests.bank import check_bank

SMALL, LARGE = 200, 2000


class CutShort(Exception):  # noqa: N818
    pass


def filled(rows: int, on_batch: Callable[[int], None] = lambda _: None) -> None:
    fill(accounts=rows, paid=rows // 5, refused=rows - rows // 5, on_batch=on_batch)


@pytest.mark.integration
def test_a_loaded_store_is_whole_even_if_a_load_before_was_cut_short(local_store: None) -> None:
    batches = count()

    def cut_short(_: int) -> None:
        if next(batches) > 10:
            raise CutShort

    with pytest.raises(CutShort):
        filled(SMALL, cut_short)
    filled(SMALL)
    report, run, verified = check_bank(), reconcile(Run()), verify_trail(Verification())
    assert (report.faults, run.faults, verified.faults) == ([], set(), set())
    assert (run.accounts, run.payments, report.processed) == (SMALL + 1, SMALL, SMALL // 5)
    assert verified.entries == SMALL + 1 + SMALL + 2 * report.processed


@pytest.mark.integration
def test_tables_of_a_size_are_loaded_once_and_kept(
    local_store: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = client.settings()
    monkeypatch.setattr(kept_tables, "KEPT", tmp_path)
    try:
        folder = kept_tables.kept(20)
        monkeypatch.setattr(kept_tables, "_load", None)
        assert kept_tables.kept(20) == folder
    finally:
        client.configure(ours)


@pytest.fixture
def both(local_store: None, engine: str) -> Iterator[tuple[Settings, Settings]]:
    """Where a small and a large store are."""
    small = client.settings()
    filled(SMALL)
    stores.configure(engine)
    filled(LARGE)
    yield small, client.settings()
    client.configure(small)


@pytest.mark.integration
def test_pages_take_the_same_from_small_and_large_tables(
    both: tuple[Settings, Settings],
) -> None:
    taken = []
    for store in both:
        client.configure(store)
        taken.append({listing.name: cost(listing) for listing in LISTINGS})
    assert taken[0] == taken[1]
    first = [(rows, units) for (rows, _, units), _ in taken[0].values()]
    assert first == [(50, 52), (50, 52), (50, 1.5)]


def cost(listing: Listing) -> list[tuple[int, list[str], float]]:
    """Rows, requests and capacity of the first page and of the last."""
    found = []
    for cursor in ("", LAST):
        with client.count_requests() as seen:
            page = listing.ask(cursor)
        assert bool(page.next_cursor) is not bool(cursor)
        found.append((len(page.rows), seen.operations, seen.capacity_units))
    return found
