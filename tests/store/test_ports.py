"""The store keeps the shape of its ports; the type checker reads the signatures, here they are met."""

from __future__ import annotations

from app.ports import Reader, Store, UnitOfWork
from offline_store import OfflineStore
from offline_store.reader import StoreReader
from offline_store.unit_of_work import StoreUnit

AS_STORE: type[Store] = OfflineStore
AS_UNIT: type[UnitOfWork] = StoreUnit
AS_READER: type[Reader] = StoreReader


def test_the_store_has_everything_its_ports_promise():
    for port, made in ((UnitOfWork, StoreUnit), (Reader, StoreReader), (Store, OfflineStore)):
        missing = [name for name in vars(port) if name[0] != "_" and not hasattr(made, name)]
        assert missing == []
