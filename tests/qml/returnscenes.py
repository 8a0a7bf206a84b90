"""The return sheet in every state it can be in, as a manager brings it there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.domain.money_back import Back
from app.domain.sale import Sale
from tests.qml.counterdesk import CounterDesk
from ui.hand import Hand


def wait(condition: Callable[[], bool]) -> None:
    assert Hand.wait(Hand(None), condition)  # type: ignore[arg-type]  # needs no window


def paid_by_phone(desk: CounterDesk) -> Sale:
    desk.payments.start(desk.cart(1, 2, 4, member=0), desk.guide).result()
    desk.gateway.pay(desk.attempt_id)
    sale = desk.payments.refresh(desk.attempt_id).result().sale
    assert sale is not None
    return sale


def begun(desk: CounterDesk, sale: Sale) -> Any:
    desk.root.welcome(desk.manager)
    vm: Any = desk.counter.returns
    desk.counter.returns.begin(sale)
    wait(lambda: len(vm.lines.keys) == 3)
    vm.more(vm.lines.keys[0])
    vm.because("return_size")
    return vm


def by_cash(desk: CounterDesk) -> Any:
    return begun(desk, desk.sell_cash(desk.cart(1, 2, 4, member=0)))


def by_wallet(desk: CounterDesk) -> Any:
    return begun(desk, paid_by_phone(desk))


def offline(desk: CounterDesk) -> Any:
    vm = by_wallet(desk)
    desk.weather.reachable = False
    vm.because("return_mind")
    return vm


def refused(desk: CounterDesk) -> Any:
    vm = by_wallet(desk)
    desk.back.next = [Back.REFUSED]
    vm.give()
    wait(lambda: not vm.busy)
    return vm


def held(desk: CounterDesk) -> Any:
    vm = by_wallet(desk)
    desk.back.lose_answers = 1
    vm.give()
    wait(lambda: bool(vm.isHeld))
    return vm


def given(standing: Back) -> Callable[[CounterDesk], Any]:
    def prepare(desk: CounterDesk) -> Any:
        vm = by_wallet(desk)
        desk.back.next = [standing]
        vm.give()
        wait(lambda: bool(vm.isDone))
        return vm

    return prepare


def receipt(standing: Back) -> Callable[[CounterDesk], Any]:
    """The receipt of a return, with where its money stands."""

    def prepare(desk: CounterDesk) -> Any:
        given(standing)(desk)
        desk.counter.history.refresh()
        return desk.counter.history

    return prepare


RETURNS: dict[str, tuple[str, Callable[[CounterDesk], Any]]] = {
    "return for cash": ("ReturnSheet", by_cash),
    "return to the wallet": ("ReturnSheet", by_wallet),
    "return offline": ("ReturnSheet", offline),
    "return refused": ("ReturnSheet", refused),
    "return held": ("ReturnSheet", held),
    "returned": ("ReturnSheet", given(Back.DONE)),
    "return pending": ("ReturnSheet", given(Back.PENDING)),
    "return stuck": ("ReturnSheet", given(Back.STUCK)),
    "receipt of a return": ("HistoryScreen", receipt(Back.PENDING)),
}
