"""What paying by phone works with, and the symbol it shows."""

from __future__ import annotations

from dataclasses import dataclass

from app.ports import Clock, QrMaker, QrMatrix
from app.services.payments import Payments
from app.services.tasks import StoreTasks
from app.services.wallets import Wallets
from ui.images import QrImages

Symbol = tuple[str, QrMatrix]
"""What a QR says, and its modules."""


@dataclass(frozen=True, slots=True)
class PhoneTools:
    """What paying by phone works with."""

    payments: Payments
    wallets: Wallets
    tasks: StoreTasks
    clock: Clock
    qr: QrMaker
    symbols: QrImages
