from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb.times import from_rfc3339
from payments import queries
from payments.identifiers import is_payment_id, new_payment_id, payment_timestamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
instants = st.timedeltas(timedelta(), timedelta(days=365 * 8000)).map(EPOCH.__add__)


@given(instants)
def test_an_id_carries_its_time_to_the_millisecond(at: datetime) -> None:
    payment_id = new_payment_id(at)
    assert is_payment_id(payment_id)
    inside = from_rfc3339(payment_timestamp(payment_id))
    assert abs(at - inside) <= timedelta(milliseconds=1)
    assert inside.microsecond % 1000 == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "6f1ed002-ab5f-4f2b-8a3d-0d1b8f2a5b11",
        "0199C2A0-0000-7000-8000-000000000001",
        "{0199c2a0-0000-7000-8000-000000000001}",
        "0199c2a0-0000-7000-0000-000000000001",
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
    ],
    ids=["empty", "text", "version 4", "capitals", "braces", "variant", "year 10889"],
)
def test_what_is_no_id_is_no_payment_either(text: str) -> None:
    assert not is_payment_id(text)
    assert queries.get_payment(text) is None
