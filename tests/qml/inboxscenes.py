"""What the inbox may hold, set up on a counter desk: own money, other tablets' tasks, alarms, payments."""

from __future__ import annotations

from typing import Any

from app.wire.tasks import MONEY, PAYMENT
from tests.qml.counterdesk import CounterDesk
from tests.qml.stage import ELSEWHERE


def late_money(desk: CounterDesk) -> None:
    """A QR was closed, and its money came after that."""
    desk.payments.start(desk.cart(1, 2, 4), desk.guide).result()
    desk.payments.cancel(desk.attempt_id).result()
    desk.gateway.pay(desk.attempt_id)
    desk.hear()


def revoked(desk: CounterDesk) -> Any:
    desk.till.store.run(lambda uow: uow.set_revoked(True)).result()
    desk.weather.unsent = 3
    desk.counter.network.look()
    return desk.counter.network


def inbox(desk: CounterDesk) -> Any:
    """Everything the inbox may hold, for a manager."""
    late_money(desk)
    till, now = desk.till, desk.clock.now().server_ms
    alarm = ("second_copy_missing", "", "/media/sd", now)
    till.store.run(lambda uow: uow.raise_alarm(*alarm)).result()
    held: dict[str, Any] = {
        "state": "claimed",
        "claimed_device": ELSEWHERE,
        "claimed_by": desk.manager.person_id,
        "claim_until_ms": now + 600_000,
    }
    till.tell(
        till.task("late", MONEY, task_id=desk.attempt_id, amount=129_900, detail="129900"),
        till.task("over", MONEY, task_id="a9", amount=700, detail="129900", other="s9"),
        till.task("oversell", detail="MD1001-CAM-M", receipt_no="B2-1-000007", other="A1-1-000003"),
        till.task("return_lost", amount=129_900, receipt_no="B2-1-000009", other="a7"),
        till.task("bad_body", **held),
        till.task("device_revoked", detail="14", amount=1_234_500, device_code="C3"),
        till.task("unknown", PAYMENT, task_id="a8", amount=59_900, other="s8"),
    )
    desk.root.welcome(desk.manager)
    desk.counter.inbox.look()
    return desk.counter.inbox


def inbox_offline(desk: CounterDesk) -> Any:
    vm = inbox(desk)
    desk.root.welcome(desk.guide)
    desk.weather.reachable = False
    vm.look()
    return vm


def money(desk: CounterDesk) -> Any:
    """Every kind of money that may wait, for a manager."""
    _all_money(desk)
    desk.root.welcome(desk.manager)
    desk.counter.inbox.look()
    return desk.counter.inbox


def money_of_guide(desk: CounterDesk) -> Any:
    """The same, as a guide sees it."""
    _all_money(desk)
    desk.counter.inbox.look()
    return desk.counter.inbox


def _all_money(desk: CounterDesk) -> None:
    late_money(desk)
    till, due = desk.till, "129900"
    till.tell(
        till.task("late", MONEY, task_id=desk.attempt_id, amount=624_000, detail="624000"),
        till.task("late", MONEY, task_id="a1", amount=129_900, detail=due, other="s1"),
        till.task("over", MONEY, task_id="a2", amount=700, detail=due, other="s2"),
        till.task("partial", MONEY, task_id="a3", amount=100_000, detail=due, other="s3"),
        till.task("no_sale", MONEY, task_id="a4", amount=129_900, detail=due, other="s4"),
        till.task("unproven", MONEY, task_id="a5", amount=129_900, detail=due, other="s5"),
        till.task("refund_pending", MONEY, task_id="a6", amount=5_000, detail="5000"),
        till.task("refund_stuck", MONEY, task_id="a7", amount=5_000, detail="5000"),
        till.task("refund_refused", MONEY, task_id="a8", amount=5_000, detail="5000"),
    )


def bills(desk: CounterDesk) -> Any:
    """Every difference between a provider's bill and the ledger, for a manager."""
    codes = [
        "unknown_here",
        "refund_refused",
        "missing_there",
        "amount_differs",
        "currency_differs",
        "order_differs",
        "store_differs",
        "twice_there",
        "booked_twice",
        "refund_unknown",
        "refund_missing",
        "refund_amount_differs",
    ]
    said = {"other": "alipay", "detail": "2026-11-25", "receipt_no": "A1-1-000003"}
    desk.till.tell(
        *(desk.till.task(f"bill_{code}", amount=129_900, **said) for code in codes),
    )
    desk.root.welcome(desk.manager)
    desk.counter.inbox.look()
    return desk.counter.inbox
