"""The sweep finds every planted pattern, few others, and nothing twice, however it is stopped."""

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb.scans import SEGMENTS
from payments import policy
from payments.alerts.patterns import LOOKBACK, Movement, find, find_fans
from payments.alerts.records import Alert, Rule
from payments.alerts.sweep import Sweep, sweep, take_up
from tests.builders import NOON, opened, transferred
from tests.payments.banks import altered
from tests.payments.patterns import Planted, a_town
from tests.stores import NO_FOUR_EYES

MOST_FALSE_ALARMS = 6


@pytest.fixture
def planted(local_store: None) -> Planted:
    town, planted = a_town(random.Random(7))
    town.write()
    return planted


class StoppedError(Exception):
    pass


def stop_half_way(run: Sweep) -> None:
    if run.place.segment == SEGMENTS // 2:
        raise StoppedError


def found() -> Counter[tuple[Rule, str]]:
    return Counter((alert.rule, alert.customer_id) for alert in Alert.scan())


@pytest.mark.integration
def test_every_planted_pattern_is_found_and_nothing_is_raised_twice(
    planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StoppedError):
        sweep(take_up(at=NOON), on_page=stop_half_way)
    report = sweep(take_up(at=NOON + timedelta(hours=1))).report
    assert report["until"] == NOON.isoformat()
    alerts = found()
    false_alarms = {each: count for each, count in alerts.items() if each not in planted}
    with capsys.disabled():
        words = ", ".join(f"{rule} of {name}: {n}" for (rule, name), n in false_alarms.items())
        print(f"\n{len(planted)} planted, {report['customers']} customers swept; "  # noqa: T201
              f"{sum(false_alarms.values())} false alarms: {words or 'none'}")  # fmt: skip
    assert planted - alerts.keys() == set()
    assert sum(false_alarms.values()) <= MOST_FALSE_ALARMS
    assert max(alerts[each] for each in planted) == 1
    again = sweep(take_up(at=NOON, since=NOON - timedelta(days=30))).report
    assert again["raised"] == {}
    assert again["known"] == sum(alerts.values())
    assert found() == alerts
    assert again["accounts"] == report["accounts"]
    later = sweep(take_up(at=NOON + timedelta(days=1)))
    assert later.since == NOON - timedelta(hours=1)
    assert later.report["accounts"] < report["accounts"]


@pytest.mark.usefixtures("moto_store")
def test_what_was_raised_with_the_payment_is_known_to_the_sweep() -> None:
    target = opened("b", customer_id="d")
    sources = [opened(name, customer_id="c", balance=90_000_000) for name in ("a", "a2")]
    for number, units in enumerate((4_000, 7_000, 10_000, 3_000)):
        at = NOON + timedelta(hours=number)
        transferred(sources[number % 2], target, at=at, amount_minor=units * 100)
    raised = found()
    assert sum(raised.values()) == 4
    report = sweep(take_up(at=NOON + timedelta(days=1))).report
    assert (report["raised"], report["known"]) == ({}, 3)
    policy.configure(replace(NO_FOUR_EYES, large_transaction_threshold=300_000))
    report = sweep(take_up(at=NOON + timedelta(days=1), since=NOON)).report
    assert report["raised"] == {"large_transaction": 3}


@pytest.mark.usefixtures("moto_store")
def test_a_damaged_account_is_told_and_does_not_stop_the_sweep() -> None:
    source, target = opened("a", customer_id="c", balance=90_000_000), opened("b")
    transferred(source, target)
    altered(target, balance="much")
    report = sweep(take_up(at=NOON + timedelta(days=1), since=NOON)).report
    assert (report["unreadable"], report["customers"]) == (1, 1)


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from([300, 5_000, 9_500, 12_000]))))
def test_pieces_of_a_time_show_what_the_whole_shows(paid: list[tuple[int, int]]) -> None:
    movements = [
        Movement(
            at=NOON - timedelta(days=60 - day) + timedelta(seconds=number),
            payment_id=f"p{number}",
            account_id="a",
            other_id=f"o{number % 12}",
            currency="USD",
            amount_minor=-units * 100,
        )
        for number, (day, units) in enumerate(sorted(paid))
    ]

    def causes(since: datetime, until: datetime) -> set[str]:
        seen = [each for each in movements if since - LOOKBACK <= each.at < until]
        findings = find("c", seen, since)
        fans = find_fans("c", seen, since, is_merchant=False)
        return {each.alert_id for each in (*findings, *fans)}

    first = NOON - timedelta(days=61, hours=12)
    days = [first + timedelta(days=number) for number in range(64)]
    pieces = set().union(*(causes(*each) for each in pairwise(days)))
    assert pieces == causes(first, days[-1])
