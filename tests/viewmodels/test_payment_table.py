"""Every state a payment can be in has a face, and no face lets the customer pay twice."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import CNY, JPY
from app.domain.payment import CLOSED_UNPAID, OPEN, Anomaly, PaymentState, State
from ui.text import sentences
from ui.viewmodels.cash import Typed, likely_notes
from ui.viewmodels.paystate import FACES, Act, Phase, Tone, phase_of

FREE = {Act.NEW_QR, Act.CASH, Act.LEAVE}


def every_situation() -> list[tuple[PaymentState, dict[str, bool]]]:
    marks = [frozenset(c) for n in range(3) for c in combinations(Anomaly, n)]
    return [
        (
            PaymentState(state, anomalies),
            {
                "has_sale": sale,
                "looked_at": looked,
                "time_up": over,
                "closing": closing,
                "offline": offline,
            },
        )
        for state in State
        for anomalies in marks
        for sale in (False, True)
        for looked in (False, True)
        for over in (False, True)
        for closing in (False, True)
        for offline in (False, True)
    ]


def test_every_situation_has_a_face_and_words():
    for payment, known in every_situation():
        phase = phase_of(payment, **known)
        assert phase in FACES
        assert f"pay.{phase.value}_hint" in sentences()


def test_while_money_may_come_no_second_way_of_paying_is_free():
    for payment, known in every_situation():
        acts = FACES[phase_of(payment, **known)].acts
        if payment.state in OPEN:
            # CASH from WAITING closes the QR at the cloud first; nothing else is ever offered.
            assert not acts & {Act.NEW_QR, Act.LEAVE, Act.DELIVER}
            assert Act.CASH not in acts or payment.state is State.WAITING


def test_closed_unpaid_everything_is_free_again():
    for payment, known in every_situation():
        if payment.state in CLOSED_UNPAID:
            assert acts_of(payment, known) >= FREE


def test_money_without_a_sale_is_never_called_paid():
    for payment, known in every_situation():
        face = FACES[phase_of(payment, **known)]
        if not known["has_sale"]:
            assert face.tone is not Tone.GOOD
            assert Act.NEXT not in face.acts


def test_a_qr_is_shown_only_while_it_can_be_paid():
    for payment, known in every_situation():
        if FACES[phase_of(payment, **known)].shows_qr:
            assert payment.state in OPEN
            assert not known["time_up"]
            assert not known["closing"]


def acts_of(payment: PaymentState, known: dict[str, bool]) -> frozenset[Act]:
    return FACES[phase_of(payment, **known)].acts


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_a_line_and_a_hint(phase: Phase):
    line = {Phase.PAID: "pay.paid_at"}.get(phase, f"pay.{phase.value}")
    assert line in sentences()
    assert f"pay.{phase.value}_hint" in sentences()


@pytest.mark.parametrize(
    ("keys", "text", "minor"),
    [
        ("12", "12", 1_200),
        ("12.5", "12.5", 1_250),
        ("12.50", "12.50", 1_250),
        (".5", "0.5", 50),
        ("0012", "12", 1_200),
        ("1.2.3", "1.23", 123),
        ("1.239", "1.23", 123),
        ("12.", "12.", 1_200),
        ("x-1e5", "15", 1_500),
        ("1234567890123", "123456789", 12_345_678_900),
        ("", "", 0),
    ],
)
def test_keys_make_an_amount_and_nonsense_changes_nothing(keys: str, text: str, minor: int):
    typed = Typed(CNY)
    for key in keys:
        typed = typed.key(key)
    assert (typed.text, typed.minor) == (text, minor)


def test_a_currency_without_decimals_takes_none():
    typed = Typed(JPY)
    for key in "5.00":
        typed = typed.key(key)
    assert (typed.text, typed.minor) == ("500", 500)


@given(st.text(alphabet="0123456789.", max_size=20))
def test_erasing_every_key_ends_at_nothing(keys: str):
    typed = Typed(CNY)
    for key in keys:
        typed = typed.key(key)
    for _ in range(len(typed.text)):
        typed = typed.erase()
    assert typed == Typed(CNY)


@pytest.mark.parametrize(
    ("total", "notes"),
    [
        (12_800, (12_800, 13_000, 15_000, 20_000)),
        (8_650, (8_650, 9_000, 10_000, 50_000)),
        (466_382, (466_382, 470_000, 500_000)),
        (10_000, (10_000, 50_000, 100_000)),
        (50, (50, 500, 1_000, 5_000)),
    ],
)
def test_likely_notes_are_what_people_hand_over(total: int, notes: tuple[int, ...]):
    assert likely_notes(total, CNY) == notes


@given(st.integers(1, 10**9))
def test_every_likely_amount_is_enough_and_the_first_is_exact(total: int):
    notes = likely_notes(total, CNY)
    assert notes[0] == total
    assert list(notes) == sorted(set(notes))
    assert len(notes) <= 4
