"""Statements: their balances are the ledger's, whatever has happened; as files too."""

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
import xmlschema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from audit.context import Actor
from dynamodb.client import count_requests
from payments import lifecycle, queries
from payments.history import statements
from payments.history.camt053 import NAMESPACE, camt053
from payments.history.statements import (
    DoesNotAddUpError,
    Line,
    Period,
    Statement,
    statement,
    statement_page,
)
from payments.identifiers import new_payment_id
from payments.models import Account, FrozenDirection
from payments.money import major
from tests.builders import NOON, opened, planted, transferred
from tests.stores import unchanged

pytestmark = pytest.mark.usefixtures("moto_store")

BOSS = Actor(id="supervisor1")
DAY = timedelta(days=1)
LATER = NOON + 40 * DAY
SCHEMA = Path(__file__).parent / "schemas" / "camt.053.001.08.xsd"


def days(first: int, last: int) -> Period:
    """A period by the numbers of its days, day 0 being that of ``NOON``."""
    return Period(first=(NOON + first * DAY).date(), last=(NOON + last * DAY).date())


def now(account: Account) -> Account:
    found = queries.get_account(account.id)
    assert found is not None
    return found


def made(account: Account, period: Period, at: datetime = LATER) -> Statement:
    return statement(now(account), period, at=at)


def paged(account: Account, period: Period) -> list[statements.StatementPage]:
    pages: list[statements.StatementPage] = []
    cursor = ""
    while not pages or cursor:
        page = statement_page(now(account), period, person="p", cursor=cursor)
        cursor = page.page.next_cursor
        pages.append(page)
    return pages


def frozen(account: Account, at: datetime) -> None:
    lifecycle.freeze_account(
        account_id=account.id,
        direction=FrozenDirection.DEBITS,
        reason="Court",
        until=None,
        actor=BOSS,
        at=at,
    )


def told(lines: list[Line] | Iterator[Line]) -> list[tuple[int, int]]:
    return [(line.amount_minor, line.balance_minor) for line in lines]


def test_a_statement_leads_from_its_opening_to_its_closing_balance() -> None:
    account, other = opened("a", balance=5000), opened("b", balance=100)
    out = transferred(account, other, at=NOON + DAY, amount_minor=700, description="Rent").payment
    frozen(account, at=NOON + DAY)
    transferred(other, account, at=NOON + 2 * DAY, amount_minor=50)
    whole = made(account, days(0, 2))
    assert (whole.opening_minor, whole.closing_minor) == (0, 4350) == (0, now(account).balance)
    lines = list(whole.lines())
    assert told(lines) == [(5000, 5000), (-700, 4300), (50, 4350)]
    assert (lines[1].payment_id, lines[1].other_id) == (out.id, other.id)
    assert lines[1].payment is not None
    assert lines[1].payment.description == "Rent"
    between = made(account, days(1, 1))
    assert (between.opening_minor, told(between.lines()), between.closing_minor) == (
        5000,
        [(-700, 4300)],
        4300,
    )
    for nothing, balance in ((days(-9, -1), 0), (days(3, 9), 4350)):
        idle = made(account, nothing)
        assert (idle.opening_minor, list(idle.lines()), idle.closing_minor) == (
            balance,
            [],
            balance,
        )


steps = st.lists(
    st.tuples(
        st.sampled_from(["pay", "receive", "reverse", "freeze", "thaw", "wait", "close"]),
        st.integers(1, 3000),
    ),
    min_size=1,
    max_size=8,
)


@given(
    currency=st.sampled_from(["JPY", "USD", "KWD"]), steps=steps, cuts=st.sets(st.integers(0, 14))
)
@settings(
    max_examples=10,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_history_adds_up_to_the_ledger_in_any_periods(
    currency: str, steps: list[tuple[str, int]], cuts: set[int]
) -> None:
    """Consecutive periods hang together: each closes with what the next one opens with."""
    with unchanged():
        account = opened("a", balance=2000, currency=currency)
        other = opened("b", balance=2000, currency=currency)
        lived(account, other, steps)
        for each in (account, other):
            bounds = [-1, *sorted(cuts), 15]
            made_up = [made(each, days(low + 1, high)) for low, high in pairwise(bounds)]
            assert made_up[0].opening_minor == 0
            assert made_up[-1].closing_minor == now(each).balance
            for before, after in pairwise(made_up):
                assert before.closing_minor == after.opening_minor
            lines = [line for part in made_up for line in part.lines()]
            assert lines == list(made(each, days(0, 15)).lines())
            assert sum(line.amount_minor for line in lines) == now(each).balance
            (page,) = paged(each, days(0, 15))
            assert (page.lines, page.closing_minor) == (lines, now(each).balance)


def lived(account: Account, other: Account, steps: list[tuple[str, int]]) -> None:
    at, paid = NOON, []
    currency = account.currency
    for what, number in steps:
        at += timedelta(hours=number % 40)
        ends = (account, other) if what == "pay" else (other, account)
        if what in ("pay", "receive"):
            paid.append(transferred(*ends, at=at, amount_minor=number, currency=currency).payment)
        elif what == "reverse" and paid:
            done = paid[number % len(paid)]
            transferred(
                done.to_account_id,
                done.from_account_id,
                at=at,
                amount_minor=min(number, done.amount),
                currency=currency,
                reverses=done.id,
            )
        else:
            managed(what, account, other, at)


def managed(what: str, account: Account, other: Account, at: datetime) -> None:
    status, name = now(account).status, account.id
    if what == "freeze" and status == "active":
        frozen(account, at)
    elif what == "thaw" and status == "frozen":
        lifecycle.unfreeze_account(account_id=name, reason="Why", actor=BOSS, at=at)
    elif what == "close" and status == "active":
        lifecycle.close_account(
            account_id=name,
            reason="Why",
            rest_to=other.id,
            payment_id=new_payment_id(at),
            actor=BOSS,
            at=at,
        )


def test_entries_that_do_not_hang_together_make_no_statement() -> None:
    account, other = opened("a", balance=5000), opened("b")
    for hour in range(3):
        transferred(account, other, at=NOON + timedelta(hours=hour))
    entry = next(iter(made(account, days(0, 0)).lines()))
    (damaged, *_) = [
        each for each in paged(account, days(0, 0))[0].page.rows if each.timestamp != entry.key
    ]
    planted(damaged.with_changes({"new_values": {"balance": 4001}}))
    with pytest.raises(DoesNotAddUpError):
        list(made(account, days(0, 0)).lines())
    with pytest.raises(DoesNotAddUpError):
        statement_page(now(account), days(0, 0), person="p")


def test_what_is_posted_while_it_is_read_is_not_in_it() -> None:
    account, other = opened("a", balance=5000), opened("b")
    begun = made(account, days(0, 9), at=NOON)
    transferred(account, other, at=NOON)
    assert told(begun.lines()) == [(5000, 5000)]
    assert not begun.is_final
    assert made(account, days(0, 9)).closing_minor == 4000


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> Account:
    account, other = opened("a", balance=50_000, currency="KWD"), opened("b", currency="KWD")
    for number in range(12):
        at = NOON + timedelta(minutes=number)
        transferred(account, other, at=at, amount_minor=number + 1, currency="KWD")
    monkeypatch.setattr(statements, "BATCH_KEYS", 5)
    return account


def test_pages_neither_skip_nor_repeat_and_cost_four_requests_at_most(long: Account) -> None:
    pages: list[statements.StatementPage] = []
    cursor = ""
    while not pages or cursor:
        with count_requests() as seen:
            pages.append(statement_page(long, days(0, 0), person="p", cursor=cursor))
        assert len(seen) <= 4
        cursor = pages[-1].page.next_cursor
    assert [line for page in pages for line in page.lines] == list(made(long, days(0, 0)).lines())
    assert [page.brought_minor for page in pages[1:]] == [page.carried_minor for page in pages[:-1]]
    assert {page.closing_minor for page in pages} == {now(long).balance}
    assert len(pages) == 3


def test_a_whole_one_is_read_page_by_page_as_it_is_written(long: Account) -> None:
    """Nothing is read before it is asked for, and nothing twice; the balances in two requests."""
    account = now(long)
    with count_requests() as seen:
        document = camt053(statement(account, days(0, 0), at=LATER))
        next(document)
        next(document)
        assert seen.operations == ["Query", "Query"]
        next(document)
        assert seen.operations == ["Query", "Query", "BatchGetItem"]
        list(document)
    assert seen.operations == ["Query"] * 2 + ["BatchGetItem"] * 3


def parsed(whole: Statement) -> ET.Element:
    """A document that its schema has found valid."""
    document = b"".join(camt053(whole))
    xmlschema.XMLSchema(SCHEMA).validate(io.BytesIO(document))
    return ET.fromstring(document)  # noqa: S314 - our own


def texts(root: ET.Element, path: str) -> list[str | None]:
    return [each.text for each in root.findall(path, {"": NAMESPACE})]


@pytest.mark.parametrize("currency", ["JPY", "USD", "KWD"])
def test_camt_053_is_valid_and_says_what_the_statement_says(currency: str) -> None:
    account = opened("a", balance=5000, currency=currency, customer_id="<c&o>" + "x" * 59)
    other = opened("b", currency=currency)
    out = transferred(
        account,
        other,
        at=NOON + DAY,
        amount_minor=1234,
        currency=currency,
        description='É 日本 <b>&amp; "q" 🙂'.ljust(140, "x"),
    ).payment
    transferred(
        other, account, at=NOON + 2 * DAY, amount_minor=34, currency=currency, reverses=out.id
    )
    planted(out.with_changes({"description": "odd\x00\x1b\ud7ff\ufffe"}))
    root = parsed(made(account, days(1, 2)))
    balances = texts(root, ".//Bal/Amt")
    assert balances == [str(major(5000, currency)), str(major(3800, currency))]
    assert texts(root, ".//Bal/Tp/CdOrPrtry/Cd") == ["OPBD", "CLBD"]
    assert texts(root, ".//Ntry/CdtDbtInd") == ["DBIT", "CRDT"]
    assert texts(root, ".//Ntry/RvslInd") == ["true"]
    moved = [Decimal(text or "") for text in texts(root, ".//Ntry/Amt")]
    assert Decimal(balances[0] or "") - moved[0] + moved[1] == Decimal(balances[1] or "")
    assert texts(root, ".//Ntry/AcctSvcrRef")[0] == out.id.replace("-", "")
    assert texts(root, ".//Ustrd") == ["odd\ufffd\ufffd\ud7ff\ufffd"]
    assert texts(root, ".//Ownr/Nm") == [account.customer_id]


def test_camt_053_of_a_house_account_an_empty_period_or_one_not_over_is_valid() -> None:
    account = opened("a", balance=5000)
    house = queries.list_accounts(person="p", account_type="system").rows[0]
    root = parsed(made(house, days(0, 0), at=NOON))
    assert texts(root, ".//Bal/CdtDbtInd") == ["CRDT", "DBIT"]
    assert texts(root, ".//Bal/Tp/CdOrPrtry/Cd") == ["OPBD", "ITBD"]
    assert texts(parsed(made(account, days(5, 9))), ".//Ntry/Amt") == []
