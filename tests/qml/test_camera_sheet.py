"""The camera sheet under a person's hands: opened by a tap, fed by a fake camera, closed with the sheet."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from app.errors import Code
from app.ports import Frame
from app.services.scanning import GONE_FRAMES
from tests.qml.conftest import Opener, Stage
from tests.qml.test_selling import lines
from tests.qml.views import view
from ui.viewmodels.camera import CameraVm

pytestmark = pytest.mark.qml


def camera(stage: Stage) -> CameraVm:
    return stage.screens.camera


def open_camera(stage: Stage) -> None:
    stage.sign_in()
    stage.hand.tap("用摄像头扫码")
    stage.hand.see("正在打开摄像头…", 3)
    assert stage.hand.wait(lambda: stage.till.camera.is_open)


def hold(stage: Stage, frame: Frame, times: int = 2) -> None:
    """Let the camera see a frame a few times, each drawn before the next."""
    for _ in range(times):
        before = camera(stage).property("picture")
        stage.till.camera.show(frame)
        assert stage.hand.wait(lambda: camera(stage).property("picture") != before, 3)  # noqa: B023


def test_a_tag_held_to_the_camera_lands_in_the_cart(stage: Stage):
    open_camera(stage)
    sku = stage.skus(1)[0]
    hold(stage, view(sku.gtin))
    assert lines(stage) == [(sku.name, "1")]
    stage.hand.see(f"已加入：{sku.name}")
    assert stage.till.camera.is_open


def test_a_tag_that_stays_in_sight_is_one_piece_and_shown_again_another(stage: Stage):
    open_camera(stage)
    sku = stage.skus(1)[0]
    hold(stage, view(sku.gtin), 6)
    assert lines(stage) == [(sku.name, "1")]
    hold(stage, view(), GONE_FRAMES + 1)
    hold(stage, view(sku.gtin))
    assert lines(stage) == [(sku.name, "2")]


def test_what_is_no_product_is_explained_on_the_sheet(stage: Stage):
    open_camera(stage)
    hold(stage, view("134567890123456789", "Code128"))
    stage.hand.see("这是顾客的微信付款码")
    hold(stage, view("6901234500009", "QRCode"), 1)
    stage.hand.see("没有找到 6901234500009")
    assert lines(stage) == []


def test_a_proof_of_payment_goes_to_its_order_and_one_that_is_none_is_refused(stage: Stage):
    open_camera(stage)
    stage.till.camera.show(view("GP1:ABC", "QRCode"))
    stage.hand.see("这不是我们的付款凭证")
    assert not stage.till.camera.is_open
    assert lines(stage) == []


def test_a_member_shown_to_the_camera_is_attached_and_the_sheet_goes(stage: Stage):
    open_camera(stage)
    member = stage.till.store.reader.find_members("154", 1)[0]
    stage.till.camera.show(view(member.member_ref, "QRCode"))
    assert stage.hand.wait(lambda: not stage.till.camera.is_open, 3)
    assert stage.screens.checkout.priced.cart.member_ref == member.member_ref


def test_what_the_camera_sees_is_painted(stage: Stage):
    """On the software renderer, where Qt's own video item paints nothing."""
    open_camera(stage)
    hold(stage, view())
    shown = stage.hand.see("摄像头画面")
    stage.hand.pause(40)
    centre = shown.mapToScene(shown.boundingRect().center())
    colour = stage.hand.picture().pixelColor(centre.toPoint())
    expected = {QColor(cloth).name() for cloth in ("#cfcac0", "#c9c2b4", "#2f3b38", "#8e7aa0")}
    nearest = min(abs(colour.lightness() - QColor(one).lightness()) for one in expected)
    assert nearest < 12, colour.name()


@pytest.mark.parametrize("way", ["x", "escape", "sign out", "elsewhere", "window"])
def test_the_camera_is_closed_as_soon_as_the_sheet_is(stage: Stage, way: str):
    open_camera(stage)
    hold(stage, view())
    if way == "x":
        stage.hand.tap("关闭")
    elif way == "escape":
        stage.hand.press(Qt.Key.Key_Escape)
    elif way == "sign out":
        stage.screens.root.signOut()
    elif way == "elsewhere":
        stage.screens.root.go("settings")
    else:
        stage.shell.close()
    assert not stage.till.camera.is_open
    if way != "window":
        assert camera(stage).property("state") == "closed"
        assert stage.hand.wait(lambda: stage.hand.find("摄像头画面") is None, 3)


def test_a_sheet_closed_before_its_camera_was_opened_never_opens_it(stage: Stage):
    stage.sign_in()
    camera(stage).open()
    camera(stage).close()
    stage.hand.pause(150)
    assert stage.till.camera.opened == []


def test_a_frame_that_was_under_way_when_it_closed_is_dropped(stage: Stage):
    open_camera(stage)
    stage.till.camera.show(view(stage.skus(1)[0].gtin))
    stage.till.camera.show(view(stage.skus(1)[0].gtin))
    camera(stage).close()
    stage.hand.pause(60)
    assert lines(stage) == []
    assert camera(stage).property("picture") == ""


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize(
    "code",
    [code for code in Code if code.value.startswith("camera_")],
)
def test_why_nothing_is_seen_is_said_and_trying_again_helps(
    open_window: Opener, language: str, code: Code
):
    stage = open_window(language=language)
    stage.till.camera.trouble = code
    stage.sign_in()
    stage.hand.tap(stage.shell.words.say("camera.open"))
    stage.hand.see(stage.shell.words.code(code))
    stage.till.camera.trouble = None
    stage.hand.tap(stage.shell.words.say("camera.retry"))
    assert stage.hand.wait(lambda: stage.till.camera.is_open)
    hold(stage, view())
    assert camera(stage).property("state") == "looking"


def test_a_camera_that_breaks_while_looking_is_told(stage: Stage):
    open_camera(stage)
    hold(stage, view())
    stage.till.camera.break_down(Code.CAMERA_FAILED)
    stage.hand.see("摄像头没有画面")


def test_a_tablet_with_two_cameras_can_use_the_other(open_window: Opener):
    stage = open_window()
    stage.till.camera.count = 2
    open_camera(stage)
    stage.hand.tap("换摄像头")
    assert stage.hand.wait(lambda: stage.till.camera.opened == [0, 1])
    hold(stage, view())


def test_with_one_camera_there_is_nothing_to_switch(stage: Stage):
    open_camera(stage)
    hold(stage, view())
    assert stage.hand.find("换摄像头") is None


def test_f4_opens_it_and_a_hand_scanner_works_beside_it(stage: Stage):
    stage.sign_in()
    stage.hand.press(Qt.Key.Key_F4)
    assert stage.hand.wait(lambda: stage.till.camera.is_open)
    sku = stage.skus(1)[0]
    stage.hand.scan(sku.gtin)
    assert stage.hand.wait(lambda: lines(stage) == [(sku.name, "1")], 3)


def test_after_closing_keys_reach_the_sell_screen_again(stage: Stage):
    open_camera(stage)
    stage.hand.press(Qt.Key.Key_Escape)
    assert stage.hand.wait(lambda: not stage.till.camera.is_open)
    stage.hand.type("dy")
    assert stage.screens.goods.property("text") == "dy"
