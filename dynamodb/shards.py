"""Hot keys of an index, spread over several of its partitions, each of which takes 1,000 writes.

Of ``processed`` with 4 shards writers make ``processed#00`` to ``processed#03``; readers read these
and the key as it is, so the number can be raised while everybody works, and never lowered.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from itertools import islice
from typing import TypeVar

from dynamodb import client

T = TypeVar("T")

_AT_ONCE = 8
"""So many requests of one read are under way side by side."""


def spread_key(value: str, *, by: str) -> str:
    """The key that a record is written under: ``by`` is its id, whose hash picks the shard."""
    shards = client.settings().index_shards
    return value if shards == 1 else f"{value}#{zlib.crc32(by.encode()) % shards:02d}"


def keys_of(value: str) -> tuple[str, ...]:
    """The keys that records are read under: the value itself, and its shards if it has any."""
    shards = client.settings().index_shards
    return value, *(f"{value}#{number:02d}" for number in range(shards if shards > 1 else 0))


def at_once(reads: Sequence[Callable[[], T]]) -> list[T]:
    """What several reads give, done side by side and each counted as if this thread did it.

    Raises what the first of them that fails raises.
    """
    if len(reads) == 1:
        return [reads[0]()]
    contexts = [copy_context() for _ in reads]
    with ThreadPoolExecutor(min(len(reads), _AT_ONCE)) as pool:
        return list(pool.map(_read_in, contexts, reads))


def ahead(reads: Iterator[T]) -> Iterator[T]:
    """The same in the same order; while one is looked at the next is read, and no more."""
    with ThreadPoolExecutor(1) as pool:

        def begin() -> Future[list[T]]:
            return pool.submit(_read_in, copy_context(), lambda: list(islice(reads, 1)))

        coming = begin()
        while found := coming.result():
            coming = begin()
            yield from found


def _read_in(context: Context, read: Callable[[], T]) -> T:
    return context.run(client.apart, read)
