"""Times go in and out as RFC 3339 text, exact to the microsecond."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb.times import from_rfc3339, to_rfc3339, utc_now

ZONES = st.integers(-24 * 60 + 1, 24 * 60 - 1).map(lambda m: timezone(timedelta(minutes=m)))
# A day from either end of the calendar, so that the time exists in UTC too.
FIRST, LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 - hypothesis adds the zone
TIMES = st.datetimes(FIRST, LAST, timezones=ZONES)


@given(TIMES)
def test_every_time_comes_back_as_it_was(at: datetime) -> None:
    assert from_rfc3339(to_rfc3339(at)) == at


@given(TIMES, TIMES)
def test_text_sorts_as_time_does(one: datetime, other: datetime) -> None:
    assert (to_rfc3339(one) < to_rfc3339(other)) == (one < other)


def test_text_is_utc_with_microseconds_and_z() -> None:
    at = datetime(2026, 1, 31, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    assert to_rfc3339(at) == "2026-01-31T09:30:00.000000Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        to_rfc3339(datetime(2026, 1, 31))  # noqa: DTZ001 - the point


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T09:30:00Z",
        "2026-01-31T09:30:00.000000Z",
        "2026-01-31T09:30:00.000000000Z",
        "2026-01-31T09:30:00+00:00",
        "2026-01-31T11:00:00+01:30",
    ],
)
def test_times_of_other_writers_are_read(text: str) -> None:
    assert from_rfc3339(text) == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-01-31",
        "2026-01-31T09:30:00",
        "2026-02-30T09:30:00Z",
        "2026-01-31T09:30:60Z",
        "2026-W05-6T09:30:00Z",
        "20260131T093000Z",
        "2026-01-31\ud80009:30:00Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "2026-01-31T09:30:00Z\n",
    ],
)
def test_anything_else_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_rfc3339(text)


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        from_rfc3339(text)
    except ValueError:
        return


def test_the_clock_knows_its_zone() -> None:
    assert utc_now().tzinfo is UTC
