"""An entry of the inbox in words: what it is, what it was for, what to do, and what the buttons say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.facts import RefundStep
from app.domain.money_back import Back
from app.domain.payment import Anomaly, State
from app.domain.people import Person
from app.ports import Alarm
from app.services.inbox import Entry, Hold
from app.services.late_money import WaitingMoney
from app.wire.tasks import (
    GIVES_BACK,
    LATE,
    MONEY,
    NO_SALE,
    OVER,
    PARTIAL,
    PAYMENT,
    QUARANTINE,
    RETURN_LOST,
    WAITS_FOR_UPDATE,
    TaskRow,
)
from ui.bridge import Row
from ui.text import Words
from ui.viewmodels.feewords import wallet_words

INBOX_ROLES = (
    "key",
    "group",
    "title",
    "amount",
    "detail",
    "hint",
    "holder",
    "isTaken",
    "glyph",
    "kind",
    "canDeliver",
    "deliverText",
    "shortage",
    "canGiveBack",
    "canAsk",
    "canClaim",
    "word",
    "wordText",
    "other",
    "otherText",
)

_MONEY = {
    "open": ("warn", "hourglass"),
    "late": ("danger", "history"),
    "partial": ("danger", "scale"),
    "over": ("warn", "coins"),
    "no_sale": ("danger", "circle-alert"),
    "refund_doubt": ("warn", "circle-question-mark"),
    "refund_pending": ("info", "undo-2"),
    "refund_stuck": ("danger", "undo-2"),
    "refund_refused": ("danger", "undo-2"),
    "refund_after_all": ("danger", "undo-2"),
    "taken_back": ("danger", "undo-2"),
    "unproven": ("danger", "shield-alert"),
}
_HERE = (LATE, NO_SALE, OVER, PARTIAL)
_BACK = {Back.UNKNOWN: "refund_doubt", Back.STUCK: "refund_stuck"}
_RECORDS = {
    "oversell": ("warn", "package"),
    QUARANTINE: ("warn", "tablet"),
    WAITS_FOR_UPDATE: ("info", "hourglass"),
    "refund_exceeds_sale": ("warn", "undo-2"),
    RETURN_LOST: ("warn", "undo-2"),
    "sealed_damaged": ("danger", "shield-alert"),
}
_OF_BILL = "bill_"
"""How the codes of differences between a bill and the ledger begin."""
_PAYMENTS = {
    State.CONFIRMED: ("good", "circle-check"),
    State.UNKNOWN: ("warn", "circle-question-mark"),
    State.WAITING: ("info", "hourglass"),
    State.CREATED: ("info", "hourglass"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id: people, and tills by the number on them."""

    people: Mapping[str, str] = field(default_factory=dict)
    tills: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Said:
    title: str
    amount: str
    detail: str
    hint: str
    face: tuple[str, str]
    group: str


class InboxRows:
    """Writes rows of the inbox in the language chosen now."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def row(self, entry: Entry, names: Names, person: Person | None, sure: str = "") -> Row:
        """Return an entry as the list shows it to this person; `sure` is the word of settling that was
        pressed once and counts the next time."""
        said = self._said(entry)
        tint, glyph = said.face
        settling = (*entry.resolutions(person), "", "")
        deliver = entry.can_deliver()
        return {
            "key": entry.key,
            "group": self._words.say(f"inbox.group_{said.group}"),
            "title": said.title,
            "amount": said.amount,
            "detail": said.detail,
            "hint": said.hint,
            "holder": self._holder(entry, names),
            "isTaken": entry.hold is Hold.TAKEN,
            "glyph": glyph,
            "kind": tint,
            "canDeliver": deliver,
            "deliverText": self._words.say(
                "money.deliver_short" if entry.short else "money.deliver"
            ),
            "shortage": self._short(entry) if deliver else "",
            "canGiveBack": entry.can_give_back(person),
            "canAsk": entry.can_ask() and not deliver,
            "canClaim": entry.can_claim() and not deliver,
            "word": settling[0],
            "wordText": self._word(entry, settling[0], sure),
            "other": settling[1],
            "otherText": self._word(entry, settling[1], sure),
        }

    def _short(self, entry: Entry) -> str:
        """Say which goods are not here any more, "" for none."""
        goods = (
            self._words.say(
                "money.short_of",
                name=self._words.name(each.sku.name, each.sku.name_en),
                wanted=each.wanted,
                here=max(each.here, 0),
            )
            for each in entry.short
        )
        return self._words.say("money.short", goods=self._words.join(*goods)) if entry.short else ""

    def _word(self, entry: Entry, resolution: str, sure: str) -> str:
        if not resolution:
            return ""
        if not is_money(entry):
            return self._words.say(f"inbox.do_{resolution}")
        amount = entry.task.amount if entry.task is not None else 0
        key = f"sure_{resolution}" if resolution == sure else f"do_money_{resolution}"
        return self._words.say(f"inbox.{key}", amount=amount)

    def _holder(self, entry: Entry, names: Names) -> str:
        """Say who is at it, "" for nobody."""
        task = entry.task
        if task is None or entry.hold is Hold.FREE:
            return ""
        if entry.hold is Hold.MINE:
            return self._words.say("inbox.held_here")
        who = names.people.get(task.claimed_by, task.claimed_by)
        till = names.tills.get(task.claimed_device, "")
        key = "inbox.held_at" if till else "inbox.held_elsewhere"
        return self._words.say(key, who=who, till=till)

    def _said(self, entry: Entry) -> _Said:
        if entry.back is not None:
            return self._going_back(entry, entry.back)
        if entry.money is not None and not entry.leaves:
            return self._own(entry.money, entry.task)
        if entry.alarm is not None:
            return self._alarm(entry.alarm)
        if entry.task is None:
            raise ValueError(entry.key)
        if entry.task.kind == MONEY:
            return self._money(entry, entry.task)
        return self._payment(entry.task) if entry.task.kind == PAYMENT else self._record(entry.task)

    # --- money ----------------------------------------------------------------------------------

    def _own(self, money: WaitingMoney, task: TaskRow | None) -> _Said:
        words, step, kind = self._words, money.attempt.last, _kind(money)
        amount, missing = step.amount if money.is_open else step.received, abs(money.missing)
        if task is not None and task.kind == MONEY and task.code in _HERE:
            # What the store waits for: some of what came may have been answered for by a word.
            kind, amount = task.code, task.amount
            missing = amount if kind == OVER else abs(step.amount - amount)
        lost = kind in ("late", "no_sale") and not money.can_become_sale
        hint = "no_cart" if lost else kind
        return _Said(
            words.say(f"money.{kind}"),
            words.amount(amount),
            words.join(words.say("history.when", at=step.at.server_ms), self._goods(money)),
            words.say(f"money.{hint}_hint", due=step.amount, missing=missing),
            _MONEY[kind],
            "money",
        )

    def _going_back(self, entry: Entry, back: RefundStep) -> _Said:
        """Money this till itself is sending back: nothing else may become of it meanwhile."""
        words = self._words
        kind = _BACK.get(back.standing, "refund_pending")
        when = words.say("history.when", at=back.at.server_ms)
        goods = self._goods(entry.money) if entry.money is not None else ""
        return _Said(
            words.say(f"money.{kind}"),
            words.amount(back.amount),
            words.join(when, goods),
            words.say(f"money.{kind}_hint"),
            _MONEY[kind],
            "money",
        )

    def _goods(self, money: WaitingMoney) -> str:
        """Return enough of what it was meant for to know whose money it is."""
        words = self._words
        if money.sale is not None:
            return words.say("done.receipt_no", number=money.sale.receipt_no)
        if money.cart is None or not money.cart.lines:
            return ""
        sku = money.cart.lines[0].sku
        pieces = words.say("common.pieces", n=money.cart.units)
        return words.join(words.name(sku.name, sku.name_en), pieces)

    def _money(self, entry: Entry, task: TaskRow) -> _Said:
        """Money as the cloud tells of it. Another tablet's can be given back here, and handed over only
        there; of an orphan nobody knows a tablet."""
        words = self._words
        due = int(task.detail) if task.detail.isdigit() else task.amount
        missing = task.amount if task.code == "over" else abs(due - task.amount)
        known = task.code in _MONEY
        hint = f"money.{task.code}_hint" if known else "task.unnamed_money_hint"
        if entry.is_orphan and task.code in GIVES_BACK:
            hint = "inbox.money_orphan"
        elif task.code in (LATE, NO_SALE):
            hint = "inbox.money_elsewhere"
        goods = self._goods(entry.money) if entry.money is not None else ""
        return _Said(
            words.say(f"money.{task.code}" if known else "task.unnamed", code=task.code),
            words.amount(task.amount),
            words.join(self._where(task), goods),
            words.say(hint, till=task.device_code, due=due, missing=missing),
            _MONEY.get(task.code, _MONEY["open"]),
            "money",
        )

    def _payment(self, task: TaskRow) -> _Said:
        state = State(task.code) if task.code in set(State) else State.UNKNOWN
        return _Said(
            self._words.say(f"inbox.payment_{state.value}"),
            self._words.amount(task.amount),
            self._where(task),
            "",
            _PAYMENTS.get(state, ("quiet", "circle-x")),
            "payments",
        )

    # --- records and alarms ---------------------------------------------------------------------

    def _record(self, task: TaskRow) -> _Said:
        code = task.code if self._words.knows(f"task.{task.code}") else "unnamed"
        face = _RECORDS.get(task.code, ("danger", "file-text"))
        of_bill = task.code.startswith(_OF_BILL)
        facts: dict[str, object] = {
            "code": task.code,
            "receipt": task.receipt_no or "–",
            "other": wallet_words(task.other, "", self._words) if of_bill else task.other,
            "detail": task.detail,
            "till": task.device_code,
            "n": int(task.detail) if task.detail.isdigit() else 1,
        }
        alone = code == "oversell" and not task.other
        hint = self._words.say(f"task.{code}{'_alone' if alone else ''}_hint", **facts)
        amount = self._words.amount(task.amount) if task.amount else ""
        return _Said(
            self._words.say(f"task.{code}", **facts),
            amount,
            self._where(task),
            hint,
            face,
            "bills" if of_bill else "records",
        )

    def _alarm(self, alarm: Alarm) -> _Said:
        code = alarm.code if self._words.knows(f"alarm.{alarm.code}") else "unnamed"
        facts = {"code": alarm.code, "subject": alarm.subject, "detail": alarm.detail}
        return _Said(
            self._words.say(f"alarm.{code}", **facts),
            "",
            self._words.say("history.when", at=alarm.at_ms),
            self._words.say(f"alarm.{code}_hint", **facts),
            ("danger", "shield-alert"),
            "alarms",
        )

    def _where(self, task: TaskRow) -> str:
        words = self._words
        number = task.receipt_no
        return words.join(
            words.say("history.when", at=task.created_ms),
            words.say("inbox.till", till=task.device_code) if task.device_code else "",
            words.say("done.receipt_no", number=number) if number else "",
        )


def is_money(entry: Entry) -> bool:
    """Tell whether settling it says what became of somebody's money."""
    return entry.task is not None and entry.task.kind == MONEY


def _kind(money: WaitingMoney) -> str:
    after = money.attempt.last.after
    if after.state is State.REFUND_PENDING:
        return "refund_pending"
    if money.missing > 0 and Anomaly.PARTIAL in after.anomalies:
        return "partial"
    if money.is_open:
        return "open"
    if money.missing < 0:
        return "over"
    return "late" if Anomaly.LATE in after.anomalies else "no_sale"
