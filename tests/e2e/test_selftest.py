"""The self-test says yes where the till works and no where it does not."""

from __future__ import annotations

import pytest

from guidepos.commands import selftest
from tests.e2e.commands import guidepos
from ui.shell import Shell

pytestmark = pytest.mark.qml


def test_a_fit_till_passes_its_self_test():
    said = guidepos("--selftest").splitlines()
    assert said[-1] == "self-test passed"
    assert [line.split(":")[0] for line in said[:-1]] == [
        "files",
        "store",
        "window",
        "cart",
        "camera",
        "sale",
        "screens",
        "journal",
        "QR",
        "QR",
    ]


def test_a_till_without_its_fonts_is_not_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(selftest, "missing_fonts", lambda: ["Inter"])
    assert selftest.run() == 1
    assert capsys.readouterr().err == "FAILED: FileNotFoundError: fonts are missing: ['Inter']\n"


def test_a_screen_that_complains_fails_the_self_test(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    shown = Shell.show

    def complaining(shell: Shell):
        shell.warnings.append("SellScreen.qml:1: no")
        return shown(shell)

    monkeypatch.setattr(Shell, "show", complaining)
    assert selftest.run() == 1
    assert "QML complained: SellScreen.qml:1: no" in capsys.readouterr().err
