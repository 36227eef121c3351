"""The heads of chains, on whatever record each stands."""

from collections.abc import Iterator

from audit.chain import Head
from audit.models import Chained
from audit.replay import Values, head_of, read_records
from dynamodb.tables import all_records


def chained_records() -> list[type[Chained]]:
    """Every record class that carries heads, as far as its module has been imported."""
    return [model for model in all_records() if issubclass(model, Chained)]


def chain_of(model: type[Chained], record: Values) -> str:
    """The name of the chain whose head a record carries."""
    return model.chain_prefix + str(record[model.key_names()[0]])


def read_heads(entity_id: str) -> Iterator[Head]:
    """The head of a chain, read consistently; none or more where something is wrong."""
    for model in chained_records():
        if entity_id.startswith(model.chain_prefix):
            key = entity_id.removeprefix(model.chain_prefix)
            yield from map(head_of, read_records(model, key))
