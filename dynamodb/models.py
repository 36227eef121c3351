"""What a record is: a PynamoDB model with our connection, and a version that always moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

from pynamodb.connection.base import MetaTable
from pynamodb.connection.table import TableConnection
from pynamodb.exceptions import AttributeNullError
from pynamodb.models import Model

from dynamodb import client
from dynamodb.attributes import TimeAttribute, WholeNumberAttribute
from dynamodb.errors import UnreadableRecordError

PARTITION_KEY_BYTES, SORT_KEY_BYTES = 2048, 1024
"""How long DynamoDB lets keys be."""

Item = Mapping[str, Any]
"""A record as DynamoDB sends it: names to typed values."""


@dataclass(frozen=True)
class Index:
    """A global secondary index. Its rows carry all keys, and the attributes named besides."""

    name: str
    partition: str
    sort: str = ""
    carries: Sequence[str] = ()

    def schema(self) -> dict[str, Any]:
        """The index as PynamoDB describes those that it has classes for."""
        projection: dict[str, Any] = {"ProjectionType": "KEYS_ONLY"}
        if self.carries:
            projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(self.carries)}
        keys = zip(("HASH", "RANGE"), filter(None, (self.partition, self.sort)), strict=False)
        return {
            "index_name": self.name,
            "key_schema": [{"AttributeName": name, "KeyType": kind} for kind, name in keys],
            "projection": projection,
        }


class Record(Model):
    """A record of one table. ``Meta.table_name`` is the name without the prefix.

    ``expires_at_attribute`` names the attribute of the table's TTL where it has one. DynamoDB
    deletes late and DynamoDB Local never: whoever reads checks the expiry.

    ``spread_indexes`` have few keys for many records: who writes these spreads them over shards.

    One with a ``stream`` tells what happens to its records, in images of this kind.

    Like Django's, a record that is not ``managed`` has no table of ours: a test's own, say.
    """

    indexes: ClassVar[Sequence[Index]] = ()
    expires_at_attribute: ClassVar[str] = ""
    spread_indexes: ClassVar[frozenset[str]] = frozenset()
    stream: ClassVar[str] = ""
    managed: ClassVar[bool] = True

    def __init__(self, *, _user_instantiated: bool = True, **values: Any) -> None:
        """Attributes by their names; like PynamoDB's, but with one look at what is set."""
        if not values.keys() <= type(self).get_attributes().keys():
            raise ValueError(f"{type(self).__name__} has no such attributes: {sorted(values)}.")
        self.attribute_values = {**self._defaults(), **values}

    @classmethod
    @cache
    def _defaults(cls) -> dict[str, Any]:
        attributes = cls.get_attributes().items()
        return {name: each.default for name, each in attributes if each.default is not None}

    @classmethod
    def table_name(cls) -> str:
        return client.settings().table_prefix + str(cls.Meta.table_name)

    @classmethod
    @cache
    def key_names(cls, index: str = "") -> tuple[str, ...]:
        """Names of the partition key and, where there is one, the sort key; or an index's."""
        schema = cls._get_schema()
        keys = {
            each["index_name"]: each["key_schema"] for each in schema["global_secondary_indexes"]
        }
        return tuple(key["AttributeName"] for key in (keys | {"": schema["key_schema"]})[index])

    @classmethod
    def _get_schema(cls) -> Any:
        """PynamoDB lists keys by the names of their attributes; DynamoDB wants partition first."""
        schema: Any = super()._get_schema()
        schema["key_schema"].sort(key=lambda key: key["KeyType"] != "HASH")
        schema["global_secondary_indexes"] = [index.schema() for index in cls.indexes]
        keys = {part["AttributeName"]: part for part in schema["attribute_definitions"]}
        for index in cls.indexes:
            for name in sorted(filter(None, (index.partition, index.sort))):
                kind = cls.get_attributes()[name].attr_type
                keys.setdefault(name, {"AttributeName": name, "AttributeType": kind})
        schema["attribute_definitions"] = list(keys.values())
        return schema

    @classmethod
    def from_item(cls, item: Item) -> Self:
        """Read a record; raises ``UnreadableRecordError`` naming it where a value is damaged."""
        attributes, record = cls.get_attributes(), cls()
        try:
            for name, typed in item.items():
                if name in attributes and "NULL" not in typed:
                    attribute = attributes[name]
                    value = attribute.deserialize(attribute.get_value(typed))
                    record.attribute_values[name] = value
        except (UnreadableRecordError, ValueError, TypeError, AttributeError) as error:
            key = ", ".join(str(item.get(name)) for name in cls.key_names())
            message = f"A record of {cls.table_name()} cannot be read ({key}): {error}"
            raise UnreadableRecordError(message) from error
        return record

    def key_item(self) -> dict[str, Any]:
        """The record's key as DynamoDB takes it."""
        attributes = type(self).get_attributes()
        return {
            name: {attributes[name].attr_type: attributes[name].serialize(getattr(self, name))}
            for name in self.key_names()
        }

    @classmethod
    def can_have_key(cls, key: Item) -> bool:
        """Tell a key nobody can have, empty or over-long, which DynamoDB refuses to look for."""
        sizes = (len(str(*key[name].values()).encode()) for name in cls.key_names())
        limits = (PARTITION_KEY_BYTES, SORT_KEY_BYTES)
        return all(0 < size <= limit for size, limit in zip(sizes, limits, strict=False))

    def with_changes(self, changes: Mapping[str, Any]) -> Self:
        """A copy with some attributes set, those given as ``None`` taken away."""
        copy = self.__new__(type(self))
        copy.attribute_values = {**self.attribute_values, **changes}
        return copy

    def serialize(self, null_check: bool = True) -> dict[str, Any]:
        """The record as DynamoDB takes it; like PynamoDB's, but looks only at what is set.

        Always in the same order, as answers are made of it.
        """
        values, item = self.attribute_values, {}
        for name, attribute in type(self).get_attributes().items():
            value = values.get(name)
            typed = None if value is None else attribute.serialize(value)
            if typed is not None:
                item[name] = {attribute.attr_type: typed}
        if null_check and not self._required() <= item.keys():
            raise AttributeNullError(min(self._required() - item.keys()))
        return item

    @classmethod
    @cache
    def _required(cls) -> frozenset[str]:
        return frozenset(name for name, each in cls.get_attributes().items() if not each.null)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        return table_connection(cls)


class VersionedRecord(Record):
    """A record that changes: every write is conditional on its version and moves it by one."""

    version = WholeNumberAttribute(default=0)
    created_at = TimeAttribute(null=True)
    updated_at = TimeAttribute(null=True)


def table_connection(model: type[Record]) -> TableConnection:
    """PynamoDB's view of a record's table, over the shared client."""
    connection, name = client.connection(), model.table_name()
    if name not in connection._tables:  # noqa: SLF001 - PynamoDB's registry of schemas
        connection._tables[name] = _meta_table(model, name)  # noqa: SLF001 - the same; setting it twice is harmless
    table = TableConnection.__new__(TableConnection)
    table.table_name, table.connection = name, connection
    return table


def _meta_table(model: type[Record], name: str) -> MetaTable:
    schema = model._get_schema()  # noqa: SLF001 - the schema PynamoDB itself works with
    return MetaTable(
        {
            "TableName": name,
            "KeySchema": schema["key_schema"],
            "AttributeDefinitions": schema["attribute_definitions"],
            "GlobalSecondaryIndexes": [
                {"IndexName": index["index_name"], "KeySchema": index["key_schema"]}
                for index in schema["global_secondary_indexes"]
            ],
            "LocalSecondaryIndexes": [],
        }
    )
