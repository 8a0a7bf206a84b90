"""`guidepos run`: open the till."""

from __future__ import annotations

import argparse

from app.settings import Settings
from guidepos.bootstrap import default_home, open_till


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lang", choices=["zh_CN", "en"], default="zh_CN")
    parser.add_argument("--theme", choices=["light", "dark"], default="light")
    parser.add_argument("--fullscreen", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    from guidepos.window import open_window

    home = arguments.home or default_home()
    till = open_till(home, Settings(home=home, language=arguments.lang, theme=arguments.theme))
    try:
        return open_window(till, fullscreen=arguments.fullscreen)
    finally:
        till.close()
