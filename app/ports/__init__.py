"""What the core asks of the world. Each Protocol has an adapter outside the core and a fake in tests.

A method that takes or belongs to a `UnitOfWork` runs on the store thread; one that belongs to a
gateway or transport runs on a network thread; `Reader` answers at once from a read-only connection
and may be called on any thread, the GUI's included.
"""

from app.ports.cloud import (
    Enrolment,
    LiveFeed,
    PaymentGateway,
    RefundDesk,
    SyncTransport,
    TaskDesk,
)
from app.ports.devices import (
    Clock,
    CodeReader,
    Frame,
    FrameSource,
    QrMaker,
    QrMatrix,
    ReadCode,
    ReceiptPrinter,
    ReceiptWords,
    SecretKeeper,
    View,
)
from app.ports.store import Priority, Reader, Store, UnitOfWork
from app.ports.values import (
    BOOKS_ANSWERED,
    BOOKS_ASKED,
    Alarm,
    Attempt,
    CopyStanding,
    DocumentSummary,
    Draft,
    Earnings,
    EarningsLine,
    FeedState,
    Identity,
    JournalMark,
    SignInRecord,
    SnapshotPiece,
    SyncStatus,
    Unsent,
)

__all__ = [
    "BOOKS_ANSWERED",
    "BOOKS_ASKED",
    "Alarm",
    "Attempt",
    "Clock",
    "CodeReader",
    "CopyStanding",
    "DocumentSummary",
    "Draft",
    "Earnings",
    "EarningsLine",
    "Enrolment",
    "FeedState",
    "Frame",
    "FrameSource",
    "Identity",
    "JournalMark",
    "LiveFeed",
    "PaymentGateway",
    "Priority",
    "QrMaker",
    "QrMatrix",
    "ReadCode",
    "Reader",
    "ReceiptPrinter",
    "ReceiptWords",
    "RefundDesk",
    "SecretKeeper",
    "SignInRecord",
    "SnapshotPiece",
    "Store",
    "SyncStatus",
    "SyncTransport",
    "TaskDesk",
    "UnitOfWork",
    "Unsent",
    "View",
]
