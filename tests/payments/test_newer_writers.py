"""Two versions side by side: what a newer one has added survives the older one's writes."""

from typing import Any

import pytest

from dynamodb import client
from dynamodb.models import Record
from payments.models import Payment
from tests.bank import check_bank
from tests.builders import opened, transferred

pytestmark = pytest.mark.usefixtures("moto_store")


def stored(record: Record) -> dict[str, Any]:
    item: dict[str, Any] = client.call(
        "GetItem", TableName=record.table_name(), Key=record.key_item(), ConsistentRead=True
    )["Item"]
    return item


def from_the_future(record: Record) -> None:
    item = {**stored(record), "colour": {"S": "blue"}, "parts": {"L": [{"N": "1"}]}}
    client.call("PutItem", TableName=record.table_name(), Item=item)


def test_attributes_of_a_newer_version_stay() -> None:
    source, target = opened("a", balance=5000), opened("b")
    for account in (source, target):
        from_the_future(account)
    assert transferred(source, target).payment.is_processed()
    for account, balance in ((source, "4000"), (target, "1000")):
        item = stored(account)
        assert item["balance"] == {"N": balance}
        assert (item["colour"], item["parts"]) == ({"S": "blue"}, {"L": [{"N": "1"}]})
    assert check_bank().faults == []


def test_a_payment_of_a_newer_version_stays_readable() -> None:
    source, target = opened("a", balance=5000), opened("b")
    payment = transferred(source, target).payment
    from_the_future(payment)
    found = Payment.from_item(stored(payment))
    assert (found.id, found.amount) == (payment.id, 1000)
