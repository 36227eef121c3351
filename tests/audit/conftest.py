from tests.stores import local_store, moto_store

__all__ = ["local_store", "moto_store"]
