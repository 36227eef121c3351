"""The arithmetic of the simulator of DynamoDB's partitions."""

import pytest

from benchmarks.partitions import READ_UNITS, WRITE_UNITS, Touch, reckoned, replayed

ONE, OTHER = 0.10, 0.11
"""Places of two keys that a new table keeps in one partition."""


def writes(count: int, *places: float) -> list[list[tuple[str, float, float]]]:
    return [[("t", places[number % len(places)], 1 / WRITE_UNITS)] for number in range(count)]


@pytest.mark.parametrize(("count", "carried"), [(1_000, 1_000), (1_001, 1_000), (5_000, 1_000)])
def test_one_key_takes_1000_units_a_second_and_does_not_split(count: int, carried: int) -> None:
    told = reckoned(writes(count, ONE), 1)
    assert told.carried == pytest.approx(carried)
    assert told.limits["t"] == pytest.approx(1_000)
    assert told.rounds == 0


def test_two_keys_split_and_then_take_twice_as_much() -> None:
    told = reckoned(writes(1_002, ONE, OTHER), 1)
    assert told.carried == pytest.approx(1_002)
    assert told.rounds == 1
    assert told.new_limit == pytest.approx(1_000)
    assert told.limits["t"] == pytest.approx(2_000)
    assert reckoned(writes(3_000, ONE, OTHER), 1).carried == pytest.approx(2_000)


def test_a_hot_partition_of_an_index_throttles_its_table() -> None:
    day, share = 0.5, 1 / WRITE_UNITS
    sent = [[("t", place / 4_000, share), ("t day", day, share)] for place in range(4_000)]
    told = reckoned(sent, 1)
    assert told.carried == pytest.approx(1_000)
    assert list(told.limits) == ["t day", "t"]


def test_what_stays_the_same_stays_so_and_all_else_is_drawn_anew() -> None:
    def run(name: str) -> list[Touch]:
        read = Touch(where="t, read", key=name, share=1 / READ_UNITS)
        day = Touch(where="t day", key="2026-03-02", share=1 / WRITE_UNITS, is_spread=True)
        return [read, day]

    for shards in (1, 32):
        sent = list(replayed([run("a"), run("b")], 2_000, shards))
        assert len({place for (_, place, _), _ in sent}) == 2_000
        assert len({place for _, (_, place, _) in sent}) == shards
