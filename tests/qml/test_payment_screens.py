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
from tests.qml.counterdesk import CounterDesk, open_counter
from tests.qml.inboxscenes import bills, inbox, inbox_offline, money, money_of_guide, revoked
from tests.qml.payscenes import (
    PHASES,
    RATES,
    cheapest,
    not_offered,
    scanned_offline,
    spoken,
    unknown_with_camera,
    vouching,
    with_camera,
)
from tests.qml.returnscenes import RETURNS
from ui.hand import Hand
from ui.viewmodels.paystate import Phase

pytestmark = pytest.mark.qml

THUMB = 48
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


def settings_of_manager(desk: CounterDesk) -> Any:
    desk.gateway.rates = RATES
    desk.root.welcome(desk.manager)
    return settings(desk)


SCREENS: dict[str, tuple[str, Callable[[CounterDesk], Any]]] = {
    **{f"pay {name}": ("PayScreen", prepare) for name, prepare in PHASES.items()},
    "spoken code": ("PayScreen", spoken),
    "offline with a camera": ("PayScreen", with_camera),
    "unknown with a camera": ("PayScreen", unknown_with_camera),
    "cheapest marked": ("PayScreen", cheapest),
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
    "inbox of money": ("InboxSheet", money),
    "inbox of money for a guide": ("InboxSheet", money_of_guide),
    "inbox of bills": ("InboxSheet", bills),
    **RETURNS,
    "inbox empty": ("InboxSheet", lambda desk: desk.counter.inbox),
    "settings": ("SettingsScreen", settings),
    "settings of a manager": ("SettingsScreen", settings_of_manager),
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


PAYING = [scene for scene, (screen, _) in SCREENS.items() if screen == "PayScreen"]


@pytest.mark.parametrize("scene", PAYING)
@pytest.mark.parametrize(("language", "size"), [("zh_CN", USUAL), ("en", SMALL), ("en", USUAL)])
def test_no_button_lies_over_what_is_known(
    open_desk: Opened, scene: str, language: str, size: tuple[int, int]
):
    window, _, vm = open_screen(open_desk(language), scene, size)
    if vm.isPaid:
        return
    known = [item for item in visible(window.contentItem()) if is_a(item, "StatusBox")]
    buttons = [item for item in visible(window.contentItem()) if is_a(item, "PayButtons")]
    assert known
    (below,) = [item.mapToScene(QPointF(0, 0)).y() for item in buttons]
    assert max(item.mapToScene(QPointF(0, item.height())).y() for item in known) <= below


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


def is_a(item: QQuickItem, kind: str) -> bool:
    return item.metaObject().className().startswith(f"{kind}_QML")


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
