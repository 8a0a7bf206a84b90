"""The store keeps the shape of its ports; the type checker reads the signatures, here they are met."""

from __future__ import annotations

from app.ports import Reader, Store, UnitOfWork
from offline_store import OfflineStore
from offline_store.reader import StoreReader
from offline_store.unit_of_work import StoreUnit


def as_store(store: OfflineStore) -> Store:
    """Type-checked: the store is a `Store`."""
    return store


def as_unit(unit: StoreUnit) -> UnitOfWork:
    """Type-checked: its unit of work is a `UnitOfWork`."""
    return unit


def as_reader(reader: StoreReader) -> Reader:
    """Type-checked: its reader is a `Reader`."""
    return reader


def test_the_store_has_everything_its_ports_promise(store):
    assert as_store(store) is store
    assert as_reader(store.reader) is store.reader
    assert store.run(lambda uow: as_unit(uow) is uow).result()
    for port, made in ((UnitOfWork, StoreUnit), (Reader, StoreReader), (Store, OfflineStore)):
        missing = [name for name in vars(port) if name[0] != "_" and not hasattr(made, name)]
        assert missing == []
