"""The screens from payment to settings, in every state: silent, readable, reachable by thumb and key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtQml import QQmlContext, QQmlEngine, QQmlProperty
from PySide6.QtQuick import QQuickItem, QQuickWindow

from app.devices.qr import QrCodeMaker
from app.domain.payment_code import payment_code
from app.services.scan_router import ScanKind, Scanned
from app.wire.messages import OwnCode
from tests.qml.counterdesk import CounterDesk, open_counter
from tests.qml.inboxscenes import inbox, inbox_offline, revoked
from ui.hand import Hand
from ui.viewmodels.paystate import Phase

pytestmark = pytest.mark.qml

THUMB = 48
ALIPAY = "28982105115796236"
"""A customer's code but for its last digit, which says what comes of it."""
SMALL, USUAL, UPRIGHT = (1024, 600), (1280, 800), (800, 1280)
Opened = Callable[..., CounterDesk]


@pytest.fixture
def open_desk(furnished_home: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[Opened]:
    desks: list[CounterDesk] = []

    def open_one(language: str = "zh_CN") -> CounterDesk:
        home = tmp_path / f"desk{len(desks)}"
        desk = open_counter(furnished_home, home, language=language, qr=QrCodeMaker())
        desk.root.welcome(desk.guide)
        desks.append(desk)
        return desk

    yield open_one
    warnings = [warning for desk in desks for warning in desk.warnings]
    for desk in desks:
        desk.close()
    assert warnings == []


# --- every state ----------------------------------------------------------------------------------


def pay(desk: CounterDesk) -> Any:
    desk.counter.pay.open(desk.cart(1, 2, 4, member=0), desk.guide)
    vm: Any = desk.counter.pay
    Hand.wait(Hand(None), lambda: not vm.phone.busy)  # type: ignore[arg-type]  # needs no window
    return vm


def heard(change: Callable[[CounterDesk], object]) -> Callable[[CounterDesk], Any]:
    def prepare(desk: CounterDesk) -> Any:
        vm = pay(desk)
        change(desk)
        desk.hear()
        return vm

    return prepare


def stopped(desk: CounterDesk) -> Any:
    vm = pay(desk)
    vm.stop()
    Hand.wait(Hand(None), lambda: vm.phone.phase == "cancelled")  # type: ignore[arg-type]
    return vm


def late(desk: CounterDesk) -> Any:
    vm = stopped(desk)
    desk.gateway.pay(desk.attempt_id)
    desk.hear()
    return vm


def closing(desk: CounterDesk) -> Any:
    vm = pay(desk)
    desk.gateway.lose_requests = 1
    vm.stop()
    return vm


def preparing(desk: CounterDesk) -> Any:
    desk.pool.holding = True
    desk.counter.pay.open(desk.cart(1), desk.guide)
    return desk.counter.pay


def time_up(desk: CounterDesk) -> Any:
    vm = pay(desk)
    desk.clock.advance(3_600)
    desk.pool.holding = True
    vm.phone.tick()
    return vm


def not_started(desk: CounterDesk) -> Any:
    desk.gateway.lose_requests = 5
    return pay(desk)


def cash(desk: CounterDesk) -> Any:
    desk.weather.reachable = False
    vm = pay(desk)
    vm.cash.hand(vm.cash.notes.keys[-1])
    return vm


def shown_offline(desk: CounterDesk) -> Any:
    desk.weather.reachable = False
    vm = pay(desk)
    vm.usePhone()
    Hand.wait(Hand(None), lambda: vm.phone.phase == "offline")  # type: ignore[arg-type]
    return vm


def with_camera(desk: CounterDesk) -> Any:
    desk.counter.pay.join_camera(True, lambda: None)
    return shown_offline(desk)


def spoken(desk: CounterDesk) -> Any:
    vm = shown_offline(desk)
    vm.proof.type()
    for digit in "12345678":
        vm.proof.key(digit)
    vm.proof.check()
    Hand.wait(Hand(None), lambda: vm.proof.problem != "")  # type: ignore[arg-type]
    return vm


def scan(desk: CounterDesk, vm: Any, ending: str) -> None:
    text = ALIPAY + ending
    vm.scanned(Scanned(ScanKind.PAYMENT_CODE, text, payment_code(text)))


def scanned(ending: str, phase: str) -> Callable[[CounterDesk], Any]:
    def prepare(desk: CounterDesk) -> Any:
        vm = pay(desk)
        scan(desk, vm, ending)
        Hand.wait(Hand(None), lambda: vm.phone.phase == phase)  # type: ignore[arg-type]
        return vm

    return prepare


def collecting(desk: CounterDesk) -> Any:
    vm = pay(desk)
    desk.pool.holding = True
    scan(desk, vm, "0")
    return vm


def own(provider: str, *, manager: bool = False) -> Callable[[CounterDesk], Any]:
    def prepare(desk: CounterDesk) -> Any:
        desk.gateway.shows = [
            OwnCode(provider="wechat", wallet="wechat"),
            OwnCode(provider="alipay", wallet="alipay"),
            OwnCode(provider="bank", by_hand=True),
        ]
        vm: Any = desk.counter.pay
        who = desk.manager if manager else desk.guide
        desk.counter.pay.open(desk.cart(1, 2, 4, member=0), who)
        Hand.wait(Hand(None), lambda: vm.wallet.hasChoice)  # type: ignore[arg-type]
        vm.wallet.choose(provider)
        phase = "own_by_hand" if provider == "bank" else "own_qr"
        Hand.wait(Hand(None), lambda: vm.phone.phase == phase)  # type: ignore[arg-type]
        return vm

    return prepare


def vouching(desk: CounterDesk) -> Any:
    desk.counter.pay.join_camera(True, lambda: None)
    vm = own("bank", manager=True)(desk)
    vm.wallet.vouch()
    return vm


def not_offered(desk: CounterDesk) -> Any:
    desk.gateway.collects = ["wechat"]
    vm = pay(desk)
    scan(desk, vm, "0")
    Hand.wait(Hand(None), lambda: vm.wallet.problem != "")  # type: ignore[arg-type]
    return vm


def scanned_offline(desk: CounterDesk) -> Any:
    vm = shown_offline(desk)
    scan(desk, vm, "0")
    return vm


PHASES: dict[str, Callable[[CounterDesk], Any]] = {
    "preparing": preparing,
    "waiting": pay,
    "looked_at": heard(lambda desk: desk.gateway.look(desk.attempt_id)),
    "offline": shown_offline,
    "collecting": collecting,
    "password": scanned("2", "password"),
    "code_unknown": scanned("4", "code_unknown"),
    "own_qr": own("wechat"),
    "own_by_hand": own("bank"),
    "unknown": heard(lambda desk: setattr(desk.gateway, "lose_requests", 1)),
    "time_up": time_up,
    "closing": closing,
    "failed": heard(lambda desk: desk.gateway.decline(desk.attempt_id)),
    "expired": heard(lambda desk: desk.clock.advance(3_600)),
    "cancelled": stopped,
    "late": late,
    "partial": heard(lambda desk: desk.gateway.pay(desk.attempt_id, 1_000)),
    "paid": heard(lambda desk: desk.gateway.pay(desk.attempt_id)),
    "paid_over": heard(lambda desk: desk.gateway.pay(desk.attempt_id, 99_999_999)),
    "not_started": not_started,
    "choosing": cash,
}


def done(desk: CounterDesk) -> Any:
    priced = desk.cart(1, 2, 4, member=0)
    desk.counter.done.show(desk.sell_cash(priced, priced.total + 5_000))
    return desk.counter.done


def history(desk: CounterDesk) -> Any:
    desk.a_days_work(7)
    vm: Any = desk.counter.history
    vm.load()
    vm.choose(vm.documents.keys[2])
    return vm


def my_sales(desk: CounterDesk) -> Any:
    desk.a_days_work(7)
    desk.counter.my_sales.of(desk.guide)
    return desk.counter.my_sales


def offline(desk: CounterDesk) -> Any:
    desk.weather.reachable, desk.weather.unsent = False, 1_234
    desk.counter.network.look()
    return desk.counter.network


def settings(desk: CounterDesk) -> Any:
    desk.counter.settings.load()
    return desk.counter.settings


SCREENS: dict[str, tuple[str, Callable[[CounterDesk], Any]]] = {
    **{f"pay {name}": ("PayScreen", prepare) for name, prepare in PHASES.items()},
    "spoken code": ("PayScreen", spoken),
    "offline with a camera": ("PayScreen", with_camera),
    "manager vouches": ("PayScreen", vouching),
    "wallet not offered": ("PayScreen", not_offered),
    "code scanned offline": ("PayScreen", scanned_offline),
    "done": ("DoneScreen", done),
    "history": ("HistoryScreen", history),
    "history empty": ("HistoryScreen", lambda desk: desk.counter.history),
    "my sales": ("MySalesScreen", my_sales),
    "network": ("NetworkSheet", offline),
    "network revoked": ("NetworkSheet", revoked),
    "inbox": ("InboxSheet", inbox),
    "inbox offline": ("InboxSheet", inbox_offline),
    "inbox empty": ("InboxSheet", lambda desk: desk.counter.inbox),
    "settings": ("SettingsScreen", settings),
}


def open_screen(
    desk: CounterDesk, scene: str, size: tuple[int, int], *, dark: bool = False
) -> tuple[QQuickWindow, Hand, Any]:
    screen, prepare = SCREENS[scene]
    vm = prepare(desk)
    window = desk.show(screen, vm, size=size, dark=dark)
    hand = Hand(window)
    hand.pause(80)
    return window, hand, vm


def test_every_phase_is_drawn_in_these_tests():
    rare = {Phase.PAID_ALREADY, Phase.REFUND_PENDING, Phase.REFUNDED}
    assert set(PHASES) | {phase.value for phase in rare} == {phase.value for phase in Phase}


@pytest.mark.parametrize("scene", SCREENS)
@pytest.mark.parametrize(("language", "size"), [("zh_CN", SMALL), ("en", SMALL), ("en", UPRIGHT)])
def test_at_the_smallest_sizes_every_word_is_there_and_every_target_fits_a_thumb(
    open_desk: Opened, scene: str, language: str, size: tuple[int, int]
):
    window, _, vm = open_screen(open_desk(language), scene, size)
    if scene.startswith("pay ") and not vm.isPaid:
        assert vm.phone.phase == scene.removeprefix("pay ")
    items = list(visible(window.contentItem()))
    cut = [item.property("text") for item in items if item.property("truncated")]
    narrow = [
        (name_of(item), item.width(), item.height())
        for item in items
        if is_button(item) and min(item.width(), item.height()) < THUMB - 0.5
    ]
    nameless = [type(item).__name__ for item in items if is_button(item) and not name_of(item)]
    outside = [name_of(item) for item in items if is_button(item) and not is_inside(item, window)]
    assert (cut, narrow, nameless, outside) == ([], [], [], [])


@pytest.mark.parametrize("scene", SCREENS)
def test_in_the_dark_at_the_usual_size_it_is_silent_too(open_desk: Opened, scene: str):
    window, _, _ = open_screen(open_desk(), scene, USUAL, dark=True)
    picture = window.grabWindow()
    corner = picture.pixelColor(3, 3)
    assert corner.lightness() < 60


# --- the QR ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, USUAL])
@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_reads_the_address_off_the_screen(
    open_desk: Opened, size: tuple[int, int], dark: bool
):
    desk = open_desk()
    window, _, vm = open_screen(desk, "pay waiting", size, dark=dark)
    (found,) = zxingcpp.read_barcodes(grey(window.grabWindow()))
    assert found.text == desk.payments.qr_text(vm.phone._news.attempt)
    corner = found.position
    side = corner.top_right.x - corner.top_left.x
    modules = len(QrCodeMaker().make(found.text).rows)
    assert side >= 264 - 2
    assert (side + 1) / modules >= 4


# --- by key ---------------------------------------------------------------------------------------


def test_cash_is_taken_by_keys_alone(open_desk: Opened):
    desk = open_desk()
    _, hand, vm = open_screen(desk, "pay choosing", USUAL)
    for _ in range(8):
        hand.press("\b")
    assert vm.cash.isEmpty
    for figure in "88888.5":
        hand.press(figure)
    assert vm.cash.given == "¥88888.5"
    hand.press("\r")
    assert hand.wait(lambda: bool(vm.isPaid), 5)
    hand.press("\r")
    assert desk.root.property("sheet") == "done"


def test_escape_closes_the_qr_and_goes_back_to_the_cart(open_desk: Opened, qtbot):
    desk = open_desk()
    _, hand, vm = open_screen(desk, "pay waiting", USUAL)
    with qtbot.waitSignal(vm.left):
        hand.press(Qt.Key.Key_Escape)
    assert ("cancel", desk.attempt_id) in desk.gateway.calls


def test_enter_serves_the_next_customer(open_desk: Opened, qtbot):
    _, hand, vm = open_screen(open_desk(), "done", USUAL)
    with qtbot.waitSignal(vm.nextAsked):
        hand.press("\r")


def test_the_network_sheet_closes_by_escape_and_beside_it(open_desk: Opened, qtbot):
    _, hand, vm = open_screen(open_desk(), "network", USUAL)
    with qtbot.waitSignal(vm.closeAsked):
        hand.press(Qt.Key.Key_Escape)
    with qtbot.waitSignal(vm.closeAsked):
        hand.tap_at(QPointF(8, 8))


def test_a_receipt_is_found_by_typing_its_number(open_desk: Opened):
    _, hand, vm = open_screen(open_desk(), "history", USUAL)
    hand.press(Qt.Key.Key_F2)
    hand.type("000002")
    assert [row["receiptNo"][-1] for row in vm.documents.rows] == ["2"]
    hand.press(Qt.Key.Key_Escape)
    assert len(vm.documents.rows) == 7


# --- by thumb -------------------------------------------------------------------------------------


def test_cash_by_thumb_note_then_take(open_desk: Opened):
    desk = open_desk()
    _, hand, vm = open_screen(desk, "pay choosing", SMALL)
    hand.tap("7")
    hand.tap(desk.words.amount(desk.counter.pay._priced.total))  # type: ignore[union-attr]
    hand.tap("收下现金")
    assert hand.wait(lambda: bool(vm.isPaid), 5)
    hand.tap("继续")
    assert desk.root.property("sheet") == "done"


def test_the_state_is_told_to_a_screen_reader(open_desk: Opened):
    _, hand, _ = open_screen(open_desk("en"), "pay unknown", USUAL)
    hand.see("Not known yet, asking again in 3 s")


def test_a_switch_of_language_is_seen_at_once_on_every_screen(open_desk: Opened):
    desk = open_desk()
    _, hand, _ = open_screen(desk, "settings", USUAL)
    hand.tap("English")
    hand.see("Sign out")
    hand.tap("中文")
    hand.see("退出登录")


# --- looking --------------------------------------------------------------------------------------


def visible(item: QQuickItem) -> Iterator[QQuickItem]:
    for child in item.childItems():
        if child.isVisible() and child.opacity() > 0:
            yield child
            yield from visible(child)


def read(item: QQuickItem, name: str) -> object:
    context: object = QQmlEngine.contextForObject(item)
    return QQmlProperty(item, name, context).read() if isinstance(context, QQmlContext) else None


def name_of(item: QQuickItem) -> str:
    value = read(item, "Accessible.name")
    return value if isinstance(value, str) else ""


def is_button(item: QQuickItem) -> bool:
    return item.inherits("QQuickAbstractButton")


def is_inside(item: QQuickItem, window: QQuickWindow) -> bool:
    """Tell whether an item is wholly on screen, unless it lies in a list that can be moved."""
    parent: QQuickItem | None = item.parentItem()
    while parent:
        if parent.inherits("QQuickFlickable"):
            return True
        parent = parent.parentItem()
    corner = item.mapToScene(QPointF(0, 0))
    right, bottom = corner.x() + item.width(), corner.y() + item.height()
    return (
        corner.x() >= 0
        and corner.y() >= 0
        and right <= window.width() + 0.5
        and bottom <= window.height() + 0.5
    )


def grey(picture: QImage) -> Image.Image:
    flat = picture.convertToFormat(QImage.Format.Format_Grayscale8)
    raw, line = bytes(flat.constBits()), flat.bytesPerLine()
    rows = [raw[y * line : y * line + flat.width()] for y in range(flat.height())]
    return Image.frombytes("L", (flat.width(), flat.height()), b"".join(rows))
