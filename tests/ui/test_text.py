"""Every code has a sentence in both languages, and every sentence keeps its facts in both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.domain.commission import Commission
from app.domain.payment import Anomaly, State
from app.domain.sale import TenderKind
from app.errors import Code
from app.services.honesty import Operation, Standing
from cloud.services.reconcile.compare import Reason
from ui import quantities
from ui.tasks import Failure, FailureKind
from ui.text import LANGUAGES, Words, pieces, sentences

UI = Path(__file__).resolve().parents[2] / "ui"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize("code", list(Code))
def test_every_error_code_has_both_translations(code: Code):
    assert f"error.{code.value}" in sentences()


def test_every_sentence_stands_in_every_language():
    lacking = [
        key for key, both in sentences().items() if len(both) != len(LANGUAGES) or not all(both)
    ]
    assert lacking == []


def test_both_languages_tell_the_same_facts():
    def facts(sentence: str) -> set[str]:
        return {piece.name for piece in pieces(sentence) if piece.name}

    odd = [key for key, both in sentences().items() if len({frozenset(facts(b)) for b in both}) > 1]
    assert odd == []


def test_no_sentence_has_a_brace_left_over():
    odd = [
        key
        for key, both in sentences().items()
        for sentence in both
        for piece in pieces(sentence)
        if not piece.name and re.search(r"[{}]", piece.text)
    ]
    assert odd == []


@pytest.mark.parametrize(
    "keys",
    [
        [f"operation.{operation.value}" for operation in Operation],
        [f"standing.{standing.value}" for standing in Standing],
        [f"tender.{kind.value}" for kind in TenderKind],
    ],
)
def test_every_value_the_screens_show_has_words(keys: list[str]):
    assert [key for key in keys if key not in sentences()] == []


def test_fixed_words_of_the_screens_exist_and_hold_no_figures():
    used = {
        key
        for file in UI.rglob("*.qml")
        for key in re.findall(r'Words\.t\("([^"]+)"\)', file.read_text("utf-8"))
    }
    assert {key for key in used if key not in sentences()} == set()
    assert {key for key in used if any("{" in sentence for sentence in sentences()[key])} == set()


def test_words_the_view_models_say_exist():
    used = {
        key
        for file in UI.rglob("*.py")
        if file.name != "text.py"
        for key in re.findall(r'\.say\(\s*"([^"]+)"', file.read_text("utf-8"))
    }
    assert {key for key in used if key not in sentences()} == set()


@pytest.mark.parametrize("reason", Reason)
def test_every_difference_of_bills_has_words_of_its_own_and_says_what_to_do(reason: Reason):
    assert {f"task.bill_{reason.value}", f"task.bill_{reason.value}_hint"} <= set(sentences())


def test_a_switch_of_language_is_told_and_followed():
    words, told = Words("zh_CN"), []
    words.changed.connect(lambda: told.append(words.property("language")))
    assert words.say("pay.waiting") == "等待付款"
    words.speak("en")
    words.speak("en")
    words.speak("tlh")
    assert (words.say("pay.waiting"), told) == ("Waiting for payment", ["en"])


def test_placeholders_take_their_forms():
    words = Words("en")
    assert words.say("error.cash_not_enough", missing=123_450) == "¥1,234.50 short"
    assert words.say("pay.paid_at", at=1_732_324_327_000) == "Paid 09:12:07"
    assert words.say("error.pin_wrong", tries_left=1) == "Wrong PIN, 1 try left"
    assert words.say("error.pin_wrong", tries_left=2) == "Wrong PIN, 2 tries left"
    assert words.say("error.manager_needed", max_bp=1_250).startswith("More than 12.5% off")


def test_a_missing_fact_or_sentence_never_stops_the_shop():
    words = Words("en")
    assert words.say("error.cash_not_enough") == "… short"
    assert words.say("no.such.sentence") == "no.such.sentence"


def test_what_people_typed_is_never_taken_for_a_placeholder():
    words = Words("en")
    assert words.say("error.code_unknown", text="{limit}") == "Nothing found for {limit}"


def test_failures_become_sentences():
    words = Words("zh_CN")
    rule = Failure(FailureKind.RULE, Code.CASH_NOT_ENOUGH, {"missing": 100})
    assert words.error(rule) == "还差 ¥1.00"
    assert words.error(Failure(FailureKind.BUG)) == words.say("error.bug")


@pytest.mark.parametrize(
    ("age_ms", "chinese", "english"),
    [
        (-5, "刚刚", "just now"),
        (59_999, "刚刚", "just now"),
        (MINUTE, "1 分钟前", "1 min ago"),
        (2 * HOUR + 1, "2 小时前", "2 h ago"),
        (47 * HOUR, "47 小时前", "47 h ago"),
        (2 * DAY, "2 天前", "2 days ago"),
    ],
)
def test_ages_read_as_people_say_them(age_ms: int, chinese: str, english: str):
    assert (Words("zh_CN").age(age_ms), Words("en").age(age_ms)) == (chinese, english)


@pytest.mark.parametrize(
    ("off_bp", "chinese", "english"),
    [
        (1_000, "9 折", "10% off"),
        (500, "9.5 折", "5% off"),
        (1_250, "8.75 折", "12.5% off"),
        (3_000, "7 折", "30% off"),
        (10_000, "减 100%", "100% off"),
    ],
)
def test_rates_read_as_people_say_them(off_bp: int, chinese: str, english: str):
    assert (Words("zh_CN").rate_off(off_bp), Words("en").rate_off(off_bp)) == (chinese, english)


def test_spans_count_down():
    assert [quantities.span(s) for s in (-3, 0, 59, 278, 3_723)] == [
        "0:00",
        "0:00",
        "0:59",
        "4:38",
        "1:02:03",
    ]


def test_names_and_reasons_fall_back_to_what_there_is():
    chinese, english = Words("zh_CN"), Words("en")
    assert (chinese.name("大衣", "Coat"), english.name("大衣", "Coat")) == ("大衣", "Coat")
    assert (chinese.name("", "Coat"), english.name("大衣", "")) == ("Coat", "大衣")
    assert english.reason("seasonal", "季末优惠", "End of season") == "End of season"
    assert english.reason("member_tier") == "Member tier"
    assert english.reason("x17") == "x17"


def test_one_size_has_words_and_every_other_size_is_what_it_is():
    chinese, english = Words("zh_CN"), Words("en")
    assert (chinese.size("均码"), english.size("均码")) == ("均码", "One size")
    for size in ("M", "170/88A", "", "加大", "reason.x"):
        assert chinese.size(size) == english.size(size) == size


def test_the_states_and_anomalies_the_pay_screen_tells_are_all_there_are():
    """A new state or anomaly must be designed, not shown as nothing."""
    assert {state.value for state in State} == {
        "created",
        "waiting",
        "confirmed",
        "failed",
        "expired",
        "cancelled",
        "unknown",
        "refund_pending",
        "refunded",
    }
    evidence = {"by_hand", "proved", "spoken"}
    assert {anomaly.value for anomaly in Anomaly} == {"late", "over", "partial"} | evidence
    assert Commission.__dataclass_fields__.keys() >= {"base", "rate_bp", "weight_bp", "amount"}
