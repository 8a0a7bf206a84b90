"""Every screen and sheet renders in both languages and looks at the smallest and a usual size, and
QML never complains (pytest-qt fails a test at any Qt warning as well)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from PySide6.QtGui import QColor, QImage

from app.domain.people import Role
from app.errors import Code
from app.wire.tasks import MONEY, PAYMENT
from tests.qml.conftest import Opener, Stage
from tests.qml.test_selling import accessible_name, pressables
from tests.qml.views import view

pytestmark = pytest.mark.qml

LOOKS = list(product(("zh_CN", "en"), ("light", "dark"), ((1280, 800), (1024, 600))))


def signed_out(stage: Stage) -> None:
    """Faces."""


def pin(stage: Stage) -> None:
    stage.screens.session.choose("G01")
    stage.screens.session.digit("1")


def full_cart(stage: Stage) -> None:
    stage.sign_in()
    cart = stage.screens.checkout
    for sku in stage.skus(5):
        cart.addSku(sku.sku_id)
    cart.more("2")
    gold = next(m for m in stage.till.store.reader.find_members("154", 50) if m.tier == "gold")
    cart.attach(gold.member_ref)
    discount = cart.property("discount")
    cart.openDiscount("2")
    discount.useRate("1000")
    discount.give()


def sheet(name: str, prepare: Callable[[Stage], None]) -> Callable[[Stage], None]:
    def show(stage: Stage) -> None:
        full_cart(stage)
        prepare(stage)
        stage.screens.root.open(name)

    return show


def open_matrix(stage: Stage) -> None:
    style = stage.till.store.reader.style_cards(limit=1)[0].style_no
    stage.screens.matrix.open(style)
    stage.screens.matrix.ask(stage.skus(1)[0].sku_id)


def find_member(stage: Stage) -> None:
    stage.screens.members.open()
    stage.screens.members.search("154")


def join_member(stage: Stage) -> None:
    stage.screens.members.open()
    stage.screens.members.showForm(True)
    stage.screens.members.join("", "1")


def park(stage: Stage) -> None:
    stage.screens.checkout.park()


def pay(stage: Stage) -> None:
    full_cart(stage)
    stage.screens.root.startPay()
    stage.hand.wait(lambda: stage.screens.counter.pay.property("isPhone"))


def place(name: str) -> Callable[[Stage], None]:
    def show(stage: Stage) -> None:
        full_cart(stage)
        stage.screens.root.go(name)

    return show


def empty(stage: Stage) -> None:
    stage.sign_in()


def nothing_found(stage: Stage) -> None:
    stage.sign_in()
    stage.screens.goods.search("zzzzqq")
    stage.screens.root.say("problem", stage.shell.words.code(Code.CODE_UNKNOWN, text="690123"))


def late_money(stage: Stage) -> None:
    """A QR was closed, and its money came after that."""
    stage.sign_in()
    till, person = stage.till, stage.till.session.people()[0]
    priced = till.checkout.open(person.person_id)
    for sku in stage.skus(2):
        priced = till.checkout.add(priced, sku)
    attempt_id = till.payments.start(priced, person).result().attempt.attempt_id
    till.payments.cancel(attempt_id).result()
    till.gateway.pay(attempt_id)
    till.payments.refresh(attempt_id).result()
    stage.screens.root.go("history")


def inbox(stage: Stage) -> None:
    """Own late money, and what other tablets brought; a manager looks."""
    late_money(stage)
    till = stage.till
    manager = next(p for p in till.session.people() if p.role is Role.MANAGER)
    stage.screens.session.signedIn.emit(manager)
    now = till.clock.now().server_ms
    held = {"state": "claimed", "claimed_device": "D2", "claimed_by": manager.person_id}
    till.tell(
        till.task("late", MONEY, task_id="a9", amount=129_900, detail="129900", other="s9"),
        till.task(
            "oversell", detail="MD1001-CAM-M", receipt_no="S01B2-1-000007", other="S01A1-1-000003"
        ),
        till.task("bad_body", claim_until_ms=now + 600_000, **held),
        till.task("unknown", PAYMENT, task_id="a8", amount=59_900, other="s8"),
    )
    stage.screens.counter.inbox.open()


def coming_back(stage: Stage) -> None:
    """A manager takes one piece of a sale back."""
    till = stage.till
    manager = next(p for p in till.session.people() if p.role is Role.MANAGER)
    stage.screens.session.signedIn.emit(manager)
    priced = till.checkout.open(manager.person_id)
    for sku in stage.skus(3):
        priced = till.checkout.add(priced, sku)
    tender = till.checkout.cash_tender(priced, priced.total)
    sale = till.checkout.complete(priced, [tender], manager.person_id).result()
    stage.screens.root.go("history")
    history, returns = stage.screens.counter.history, stage.screens.counter.returns
    history.choose(sale.sale_id)
    stage.hand.wait(lambda: history.property("canReturn"))
    history.takeBack()
    stage.hand.wait(lambda: stage.screens.root.property("sheet") == "return")
    returns.more("1")
    returns.because("return_size")


def came_back(stage: Stage) -> None:
    coming_back(stage)
    stage.screens.counter.returns.give()
    stage.hand.wait(lambda: stage.screens.counter.returns.property("isDone"))


def camera(trouble: Code | None = None) -> Callable[[Stage], None]:
    """A tag in front of the camera of a tablet with two, or no camera at all."""

    def show(stage: Stage) -> None:
        full_cart(stage)
        stage.till.camera.trouble, stage.till.camera.count = trouble, 2
        stage.screens.camera.open()
        stage.hand.wait(lambda: bool(stage.till.camera.opened))
        for _ in range(3):
            stage.till.camera.show(view(stage.skus(1)[0].gtin))
            stage.hand.pause(30)

    return show


SCENES: dict[str, Callable[[Stage], None]] = {
    "signin": signed_out,
    "pin": pin,
    "empty": empty,
    "nothing_found": nothing_found,
    "sell": full_cart,
    "matrix": sheet("matrix", open_matrix),
    "member": sheet("member", find_member),
    "join": sheet("member", join_member),
    "discount": sheet("discount", lambda stage: stage.screens.checkout.openDiscount("")),
    "credit": sheet("credit", lambda stage: stage.screens.checkout.openCredit("1")),
    "parked": sheet("parked", park),
    "network": sheet("network", lambda stage: None),
    "camera": camera(),
    "no_camera": camera(Code.CAMERA_ABSENT),
    "pay": pay,
    "history": place("history"),
    "late_money": late_money,
    "inbox": inbox,
    "return": coming_back,
    "returned": came_back,
    "mysales": place("mysales"),
    "settings": place("settings"),
}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(("language", "theme", "size"), LOOKS)
def test_it_renders(
    open_window: Opener, scene: str, language: str, theme: str, size: tuple[int, int]
):
    stage = open_window(language, theme, size)
    SCENES[scene](stage)
    stage.hand.pause(40)
    picture = stage.hand.picture()
    assert (picture.width(), picture.height()) == size
    assert colours(picture) > 20
    assert stage.shell.warnings == []


@pytest.mark.parametrize("scene", SCENES)
def test_whatever_can_be_pressed_has_a_name_and_fits_a_thumb(open_window: Opener, scene: str):
    stage = open_window(size=(1024, 600))
    SCENES[scene](stage)
    stage.hand.pause(40)
    nameless, small = [], []
    for item in pressables(stage.window.contentItem()):
        name = accessible_name(stage, item)
        if not name:
            nameless.append(item.metaObject().className())
        if min(item.width(), item.height()) < 44:
            small.append((name, item.width(), item.height()))
    assert (nameless, small) == ([], [])


def test_look_and_language_switch_while_a_sheet_is_open(open_window: Opener):
    stage = open_window()
    SCENES["matrix"](stage)
    stage.screens.root.setTheme("dark")
    stage.screens.root.setLanguage("en")
    stage.hand.pause(40)
    assert "Close" in stage.hand.names()
    corner = QColor(stage.hand.picture().pixel(500, 5))
    assert corner.lightness() < 40


@pytest.mark.parametrize("size", [(800, 600), (1366, 768), (1920, 1080), (800, 1280)])
def test_other_sizes_render_too(open_window: Opener, size: tuple[int, int]):
    stage = open_window(size=size)
    full_cart(stage)
    stage.hand.pause(40)
    assert stage.hand.picture().width() == size[0]


def colours(picture: QImage) -> int:
    """Count the different colours on a coarse grid: an empty window has few."""
    step = 7
    return len(
        {
            picture.pixel(x, y)
            for x in range(0, picture.width(), step)
            for y in range(0, picture.height(), step)
        }
    )
