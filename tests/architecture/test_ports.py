"""Every port of the core can be stood in for: a fake in tests/fakes, or an adapter that keeps to memory
and temporary files and is held to the port by a test of its own."""

from __future__ import annotations

import ast
from importlib import import_module

import pytest

from tests.architecture.tree import ROOT, parsed

# port -> what stands in for it in tests of the core.
FAKES = {
    "Clock": "tests.fakes.clock:FakeClock",
    "CodeReader": "tests.fakes.qr:FakeCodeReader",
    "Enrolment": "tests.fakes.transport:FakeCloud",
    "LiveFeed": "tests.fakes.gateway:FakeLiveFeed",
    "PaymentGateway": "tests.fakes.gateway:FakeGateway",
    "QrMaker": "tests.fakes.qr:FakeQrMaker",
    "FrameSource": "tests.fakes.camera:FakeFrameSource",
    "ReceiptPrinter": "tests.fakes.printer:FakePrinter",
    "RefundDesk": "tests.fakes.refunds:FakeRefundDesk",
    "SecretKeeper": "tests.fakes.secrets:FakeKeeper",
    "SyncTransport": "tests.fakes.transport:FakeTransport",
    "TaskDesk": "tests.fakes.tasks:FakeTaskDesk",
}

# port -> the real adapter the tests use, because a stand-in for SQL would promise other things than
# SQL keeps. It opens a file in the test's own folder in some ten milliseconds.
REAL = {
    "Reader": "offline_store.reader:StoreReader",
    "Store": "offline_store.store:OfflineStore",
    "UnitOfWork": "offline_store.unit_of_work:StoreUnit",
}


def test_every_port_is_listed():
    assert set(ports()) == {*FAKES, *REAL}
    assert not set(FAKES) & set(REAL)


@pytest.mark.parametrize("port", [*FAKES, *REAL])
def test_the_stand_in_has_every_member_of_its_port(port: str):
    module, _, name = {**FAKES, **REAL}[port].partition(":")
    stand_in = getattr(import_module(module), name)
    has = {*dir(stand_in), *getattr(stand_in, "__annotations__", ())}
    assert set(ports()[port]) - has == set()


def ports() -> dict[str, list[str]]:
    """Return the Protocols of app/ports with the names of their members."""
    return {
        node.name: [each.name for each in node.body if isinstance(each, ast.FunctionDef)]
        for path in sorted((ROOT / "app" / "ports").glob("*.py"))
        for node in parsed(path).body
        if isinstance(node, ast.ClassDef)
        if any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    }
