"""Codes in picture files, from `guidepos decode` down to recorded photographs nobody here took."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from app.devices.pictures import DISTANCES, FRAME_PIXELS, frames_of
from app.devices.qr import QrCodeMaker
from app.errors import Code, RuleBroken
from guidepos.__main__ import main
from tests.devices.test_codes import bar_code, picture_of
from tests.recorded import shared

LEAST_RIGHT, MOST_WRONG, JUDGED = 239, 1, 247


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a QR, a bar code and an empty picture; the working directory."""
    drawn = {
        "order.png": picture_of(QrCodeMaker().make("https://shop.example/o/1")),
        "tag.png": bar_code("6901234567892", "EAN13"),
        "wall.png": (b"\xc8" * 40_000, 200, 200),
    }
    for name, (pixels, width, height) in drawn.items():
        Image.frombytes("L", (width, height), pixels).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def decode(capsys: pytest.CaptureFixture[str], *names: str, status: int = 0) -> object:
    assert main(["decode", *names, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_each_picture_stands_under_its_name_as_given(folder, capsys):
    tag = str(folder / "tag.png")
    assert decode(capsys, "order.png", "./wall.png", tag) == {
        "order.png": {"text": "https://shop.example/o/1", "symbology": "qr"},
        "./wall.png": None,
        tag: {"text": "6901234567892", "symbology": "ean13"},
    }


@pytest.mark.parametrize("name", ["notes.txt", "nowhere.png"])
def test_what_is_no_picture_is_null_and_said(folder, capsys, name):
    assert main(["decode", "order.png", name, "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)[name] is None
    assert json.loads(told.out)["order.png"] is not None
    assert name in told.err


def test_without_json_every_picture_has_a_line(folder, capsys):
    assert main(["decode", "tag.png", "wall.png"]) == 0
    assert capsys.readouterr().out == "tag.png: 6901234567892 (ean13)\nwall.png: -\n"


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_picture_is_read(folder, capsys, mode):
    with Image.open("order.png") as order:
        made = order.convert("I").point(lambda v: v * 257) if mode == "I;16" else order
        made.convert(mode).save(f"order.{'tif' if mode == 'CMYK' else 'png'}", None)
    name = "order.tif" if mode == "CMYK" else "order.png"
    assert decode(capsys, name) == {name: {"text": "https://shop.example/o/1", "symbology": "qr"}}


def test_ink_on_a_clear_ground_is_ink_on_paper(folder, capsys):
    with Image.open("tag.png") as tag:
        clear = tag.convert("RGBA")
        clear.putalpha(tag.point(lambda grey: 255 - grey))
        clear.save("clear.png")
    assert decode(capsys, "clear.png") == {
        "clear.png": {"text": "6901234567892", "symbology": "ean13"}
    }


def test_frames_are_grey_of_different_sizes_and_no_larger_than_a_cameras(folder):
    frames = list(frames_of(Path("tag.png")))
    assert len(frames) == len(DISTANCES)
    assert all(len(f.pixels) == f.width * f.height <= FRAME_PIXELS for f in frames)
    assert len({frame.width for frame in frames}) == len(frames)


def test_a_large_photograph_is_made_smaller_and_still_read(tmp_path):
    pixels, width, height = bar_code("6901234567892", "EAN13")
    tag = Image.frombytes("L", (width, height), pixels).resize((3 * width, 3 * height))
    photograph = Image.new("L", (4_000, 3_000), 180)
    photograph.paste(tag, (1_600, 1_200))
    photograph.save(tmp_path / "large.jpg")
    sizes = [frame.width * frame.height for frame in frames_of(tmp_path / "large.jpg")]
    assert max(sizes) <= 6_000_000
    assert main(["decode", str(tmp_path / "large.jpg")]) == 0


def test_a_file_that_is_no_picture_is_refused_by_name(folder):
    with pytest.raises(RuleBroken) as error:
        next(frames_of(Path("notes.txt")))
    assert error.value.code is Code.FILE_UNREADABLE
    assert error.value.facts["file"] == "notes.txt"


def test_recorded_pictures_are_read_and_empty_ones_are_not(capsys):
    manifest = shared("barcodes", "manifest.json")
    cases = [case for case in json.loads(manifest.read_text("utf-8")) if case["judge"]]
    files = {str(manifest.parent / case["file"]): case["expected"] for case in cases}
    assert sum(bool(expected) for expected in files.values()) == JUDGED
    assert main(["decode", *files, "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)
    assert list(answers) == list(files)
    texts = {name: answer and answer["text"] for name, answer in answers.items()}
    false = [name for name, expected in files.items() if not expected and texts[name]]
    right = [name for name, expected in files.items() if texts[name] in expected]
    wrong = [name for name, expected in files.items() if texts[name] and name not in right]
    assert false == []
    assert len(wrong) <= MOST_WRONG, {name: texts[name] for name in wrong}
    assert len(right) >= LEAST_RIGHT
