"""The till's window with everything plugged in: screen, receipts, sound, and the threads to the cloud.

Nothing that talks to the cloud is loaded before the first frame is on screen.
"""

from __future__ import annotations

import io
from concurrent.futures import Future

from app.devices.barcode import ZbarReader, ZxingReader
from app.devices.camera_frame import make_frame
from app.devices.qr import QrCodeMaker
from app.domain.receipt import Receipt
from app.ports import FrameSource, QrMaker
from app.services.receipts import Receipts
from app.services.scanning import Scanner
from app.sync.bootstrap import PAUSED
from guidepos import VERSION
from guidepos.backup_rounds import BackupRounds
from guidepos.till import Till
from ui import chime
from ui.input.camera import QtFrameSource, is_installed
from ui.receipt_words import receipt_words
from ui.shell import Shell, application
from ui.viewmodels.camera import CameraTools
from ui.viewmodels.settings import TillFacts
from ui.wiring import TillParts, remembered


def make_shell(till: Till, cameras: FrameSource | None = None) -> Shell:
    """Return the till's window, not shown yet and not talking to any cloud.

    `cameras` stand in for those of the machine.
    """
    application()
    settings = remembered(till.settings, till.store.reader)
    qr = QrCodeMaker()
    printer = LatePrinter(till, qr)
    return Shell(
        TillParts(
            settings=settings,
            store=till.store,
            clock=till.clock,
            session=till.session,
            checkout=till.checkout,
            members=till.members,
            stock=till.stock,
            payments=till.payments,
            wallets=till.wallets,
            tasks=till.tasks,
            receipts=Receipts(till.store, printer, till.devices),
            refunds=till.refunds,
            giving_back=till.giving_back,
            network=till.network,
            qr=qr,
            conditions=till.conditions,
            facts=TillFacts(till.keeper.protection, VERSION),
            recorded=lambda: _recorded(till),
            sync_now=lambda: _sync_now(till),
            raster=lambda receipt, language: receipt_png(receipt, language, qr),
            chime=lambda: chime.play("paid"),
            filling=till.filling,
            pause=lambda paused: _pause(till, paused=paused),
            camera=_camera(cameras),
        )
    )


def open_window(till: Till, *, fullscreen: bool = False) -> int:
    """Show the window, connect to the cloud behind it, stay until it is closed."""
    shell = make_shell(till)
    rounds = BackupRounds(till.store, till.settings.home)
    try:
        shell.show(fullscreen=fullscreen)
        shell.after_first_frame(lambda: go_online(till, shell))
        rounds.start()
        return shell.run()
    finally:
        rounds.stop()
        till.go_offline()
        shell.close()


def go_online(till: Till, shell: Shell) -> None:
    """Connect, on a thread of its own: loading HTTP would stop the screen for a moment."""
    till.network.submit(_connect, till, shell)


def _connect(till: Till, shell: Shell) -> None:
    from guidepos import online  # brings HTTP

    online.go_online(till, shell.on_news, shell.on_status, shell.on_back)


def receipt_png(receipt: Receipt, language: str, qr: QrMaker) -> bytes:
    """Return a receipt as PNG."""
    from app.devices.receipt_image import draw_receipt

    out = io.BytesIO()
    draw_receipt(receipt, receipt_words(language), qr).save(out, "PNG")
    return out.getvalue()


def _camera(cameras: FrameSource | None) -> CameraTools | None:
    """Return what the camera sheet needs; None where the till came without camera support."""
    if cameras is None and not is_installed():
        return None
    return CameraTools(
        cameras or QtFrameSource(make_frame),
        lambda: Scanner(ZxingReader(), ZbarReader()),
        lambda: chime.play("scan"),
    )


class LatePrinter:
    """The port `ReceiptPrinter`: writes receipts as pictures into the till's folder; its libraries
    are loaded with the first receipt."""

    def __init__(self, till: Till, qr: QrMaker) -> None:
        self._till, self._qr = till, qr

    def print(self, receipt: Receipt) -> None:
        """Write the receipt. Raises Trouble(PRINTER_FAILED)."""
        from app.devices.printer import FilePrinter

        language = self._till.store.reader.state("screen.language") or self._till.settings.language
        folder = self._till.settings.home / "receipts"
        FilePrinter(folder, lambda: receipt_words(language), self._qr).print(receipt)


def _recorded(till: Till) -> None:
    """Let a sale leave at once where there is a cloud to go to."""
    if till.online is not None:
        till.online.sync.wake()


def _pause(till: Till, *, paused: bool) -> Future[None]:
    """Stop the download of the shop after the rows in hand, or let it go on now."""
    kept = till.store.run(lambda uow: uow.set_state(PAUSED, "1" if paused else ""))
    kept.add_done_callback(lambda _: _sync_now(till))
    return kept


def _sync_now(till: Till) -> Future[None] | None:
    """Wake the sync worker; None while there is none."""
    if till.online is None:
        return None
    till.online.sync.hurry()
    done: Future[None] = Future()
    done.set_result(None)
    return done
