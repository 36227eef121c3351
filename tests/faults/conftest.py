from collections.abc import Iterator

import pytest

from dynamodb import client
from tests.faults.proxy import Proxy, running_proxy
from tests.stores import local_store, moto_store

__all__ = ["local_store", "moto_store"]


@pytest.fixture
def proxy(local_store: None) -> Iterator[Proxy]:
    """A proxy in front of fresh tables; nothing goes through it before ``served_at(proxy.url)``."""
    with running_proxy(client.settings().endpoint_url) as running:
        yield running
