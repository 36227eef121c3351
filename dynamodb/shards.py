"""Hot keys of an index, spread over several of its partitions, each of which takes 1,000 writes.

Of ``processed`` with 4 shards writers make ``processed#00`` to ``processed#03``; readers read these
and the key as it is, so the number can be raised while everybody works, and never lowered.
"""

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from itertools import islice
from typing import TypeVar

from dynamodb import client

T = TypeVar("T")

_AT_ONCE = 8
"""So many requests of one read are under way side by side."""

_PARTS_AHEAD = 4


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


def ahead(parts: Iterable[Iterator[T]]) -> Iterator[T]:
    """What parts of a read give, one part after the other, however they are read.

    While a piece is looked at the next is read of its part, and the first of each of the next few
    parts: that many pieces wait at most.
    """
    rest = iter(parts)
    with ThreadPoolExecutor(_PARTS_AHEAD) as pool:

        def begin(part: Iterator[T]) -> tuple[Iterator[T], Future[list[T]]]:
            return part, pool.submit(_read_in, copy_context(), lambda: list(islice(part, 1)))

        coming = deque(map(begin, islice(rest, _PARTS_AHEAD)))
        while coming:
            part, piece = coming.popleft()
            if found := piece.result():
                coming.appendleft(begin(part))
            else:
                coming.extend(map(begin, islice(rest, 1)))
            yield from found


def _read_in(context: Context, read: Callable[[], T]) -> T:
    return context.run(client.apart, read)
