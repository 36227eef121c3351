"""A trail in memory: queries by the thousand, each answered as DynamoDB would."""

import operator
from dataclasses import dataclass, field
from typing import Any

from audit.chain import index_keys
from audit.models import AuditLog

Item = dict[str, dict[str, str]]


@dataclass(kw_only=True)
class Trail:
    """A trail in memory, which answers queries as DynamoDB does, ``megabyte`` items at most."""

    megabyte: int = 10**6
    items: list[Item] = field(default_factory=list)
    requests: int = 0
    read: int = 0

    def add(self, values: dict[str, str]) -> None:
        seq = len(self.items) + 1
        timestamp = f"{values['day_key']}T{values.pop('time')}Z#{seq:012d}"
        told = {"action": values["action"], "user_id": values["user_id"], "timestamp": timestamp}
        item = (
            values
            | told
            | index_keys(entity_id=values["entity_id"], **told)
            | {"entity_type": "account"}
        )
        self.items.append({name: {"S": text} for name, text in item.items()})

    def call(self, _operation: str, **asked: Any) -> dict[str, Any]:
        partition, sort = AuditLog.key_names(asked.get("IndexName", ""))
        bounds = {name: each["S"] for name, each in asked["ExpressionAttributeValues"].items()}
        start, limit = asked.get("ExclusiveStartKey"), min(asked["Limit"], self.megabyte)
        is_behind = operator.gt if asked["ScanIndexForward"] else operator.lt
        found = sorted(
            (
                item
                for item in self.items
                if partition in item
                and item[partition]["S"] == bounds[":p"]
                and bounds.get(":low", "") <= item[sort]["S"] <= bounds.get(":high", "~")
                and (start is None or is_behind(place(item), place(start)))
            ),
            key=place,
            reverse=not asked["ScanIndexForward"],
        )
        answer: dict[str, Any] = {"Items": found[:limit]}
        self.requests, self.read = self.requests + 1, self.read + len(answer["Items"])
        if len(found) >= limit:  # a key to go on does not promise more
            keys = ("entity_id", "timestamp", partition)
            answer["LastEvaluatedKey"] = {name: found[limit - 1][name] for name in keys}
        return answer


def place(item: Item) -> tuple[str, str]:
    return item["timestamp"]["S"], item["entity_id"]["S"]
