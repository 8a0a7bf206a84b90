"""The payment screen in every state it can be in, set up as events bring it there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.domain.payment_code import payment_code
from app.services.scan_router import ScanKind, Scanned
from app.wire.messages import OwnCode, WayRate
from tests.qml.counterdesk import CounterDesk
from ui.hand import Hand

ALIPAY = "28982105115796236"
"""A customer's code but for its last digit, which says what comes of it."""


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


def closed_short(desk: CounterDesk) -> Any:
    vm = heard(lambda desk: desk.gateway.pay(desk.attempt_id, 1_000))(desk)
    vm.phone.stop()
    Hand.wait(Hand(None), lambda: vm.phone.phase == "closed_short")  # type: ignore[arg-type]
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


def unknown_with_camera(desk: CounterDesk) -> Any:
    desk.counter.pay.join_camera(True, lambda: None)
    return PHASES["unknown"](desk)


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


RATES = [
    WayRate(provider="alipay", wallet="alipay", way="qr", rate_bp=38, cheapest=True),
    WayRate(provider="alipay", wallet="alipay", way="code", rate_bp=55),
    WayRate(provider="wechat", wallet="wechat", way="qr", rate_bp=60),
]


def cheapest(desk: CounterDesk) -> Any:
    """A customer who wants WeChat gets WeChat; what would cost less is marked."""
    desk.gateway.rates = RATES
    return own("wechat")(desk)


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
    "closed_short": closed_short,
    "paid": heard(lambda desk: desk.gateway.pay(desk.attempt_id)),
    "paid_over": heard(lambda desk: desk.gateway.pay(desk.attempt_id, 99_999_999)),
    "not_started": not_started,
    "choosing": cash,
}
