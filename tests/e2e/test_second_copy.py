"""A tablet that died before its sales were sent: what its card holds reaches the cloud, once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from guidepos.bootstrap import open_till
from guidepos.embedded_cloud import EmbeddedCloud
from tests.e2e.commands import figures, guidepos
from tests.e2e.selling import held, sell


@pytest.mark.fault(4, "another tablet takes unsent sales back from the second copy")
def test_unsent_sales_of_a_dead_tablet_come_back_from_its_card(
    cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    home, card, key = tmp_path / "till", tmp_path / "card", tmp_path / "key"
    code = cloud.enrol_code("SC")
    device = figures("enrol", "--home", home, "--cloud", cloud.url, "--code", code)["device"]
    assert "none kept" in guidepos("second-copy", "--home", home)
    assert guidepos("second-copy", "--home", home, "--to", card).endswith("0 records behind\n")
    till = open_till(home)
    sent = sell(till, 2)
    till.close()
    assert figures("sync", "--once", "--home", home)["unsent"] == 0
    till = open_till(home)
    lost = sell(till, 3)
    till.close()
    assert "0 records behind" in figures("doctor", "--home", home)["seen"]["second copy"]
    shutil.rmtree(home)

    where = ("--data", cloud.data, "--device", device, "--out", key)
    guidepos("store-key", *where, program="cloud")
    new = tmp_path / "new"
    back = figures("recover", "--home", new, "--copy", card, "--key", key)
    assert (back["recorded"], back["known"], back["damaged"]) == (5, 0, 0)
    again = figures("recover", "--home", new, "--copy", card, "--key", key)
    assert (again["recorded"], again["known"]) == (0, 5)
    guidepos("enrol", "--home", new, "--cloud", cloud.url, "--code", cloud.enrol_code("SC"))
    synced = figures("sync", "--once", "--home", new)
    assert (synced["unsent"], synced["exceptions"]) == (0, 0)
    assert synced["duplicates"] == 2
    assert held(cloud, tmp_path, [*sent, *lost])


def test_a_folder_of_the_till_itself_is_no_second_place(tmp_path: Path) -> None:
    home = tmp_path / "till"
    guidepos("second-copy", "--home", home, "--to", home / "copies", status=1)
    assert "none kept" in guidepos("second-copy", "--home", home)


def test_a_card_that_is_gone_is_told_and_the_till_still_opens(tmp_path: Path) -> None:
    home, card = tmp_path / "till", tmp_path / "card"
    guidepos("second-copy", "--home", home, "--to", card)
    shutil.rmtree(card)
    looked = figures("doctor", "--home", home, status=1)
    assert "ENOENT" in looked["seen"]["second copy"]
    till = open_till(home)
    sell(till, 1)
    till.close()
    assert not card.exists()
    guidepos("second-copy", "--home", home, "--off")
    assert "none kept" in figures("doctor", "--home", home)["seen"]["second copy"]


def test_another_key_opens_no_copy(tmp_path: Path) -> None:
    home, card, wrong = tmp_path / "till", tmp_path / "card", tmp_path / "wrong"
    guidepos("second-copy", "--home", home, "--to", card)
    till = open_till(home)
    sell(till, 1)
    till.close()
    wrong.write_text("00" * 32)
    (folder,) = card.iterdir()
    new = tmp_path / "new"
    guidepos("recover", "--home", new, "--copy", folder, "--key", wrong, status=1)
    assert figures("recover", "--home", home, "--copy", folder)["known"] == 1
