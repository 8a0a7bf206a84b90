"""`guidepos screenshot SCREEN --out PNG`: any screen on demo data, without a display."""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from pathlib import Path

from app.errors import Code, RuleBroken


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("screen", nargs="+", help="one or more names; `all` for every screen")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="PNG", help="a folder for several"
    )
    parser.add_argument("--lang", choices=["zh_CN", "en"], default="zh_CN")
    parser.add_argument("--theme", choices=["light", "dark"], default="light")
    parser.add_argument("--size", default="1280x800", metavar="WxH")


def run(arguments: argparse.Namespace) -> int:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from guidepos.demo_home import demo
    from guidepos.stage import SCREENS, Stage

    wanted = list(SCREENS) if arguments.screen == ["all"] else arguments.screen
    for name in wanted:
        if name not in SCREENS:
            raise RuleBroken(Code.TEXT_EMPTY, screen=name, known=", ".join(SCREENS))
    size = _size(arguments.size)
    with tempfile.TemporaryDirectory(prefix="guidepos-screens-") as folder:
        home = arguments.home or Path(folder)
        warnings: list[str] = []
        with demo(home, language=arguments.lang, theme=arguments.theme) as shop:
            for name in wanted:
                stage = Stage(shop, size=size)
                try:
                    stage.picture(name, _file(arguments.out, name, len(wanted)))
                finally:
                    warnings += stage.shell.warnings
                    stage.close()
    for warning in warnings:
        print(warning)
    return 1 if warnings else 0


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{3,4})x(\d{3,4})", text)
    if match is None:
        raise RuleBroken(Code.AMOUNT_INVALID, size=text)
    return int(match.group(1)), int(match.group(2))


def _file(out: Path, name: str, count: int) -> Path:
    return out if count == 1 and out.suffix else out / f"{name}.png"
