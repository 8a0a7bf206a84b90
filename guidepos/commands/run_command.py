"""`guidepos run`: open the till."""

from __future__ import annotations

import argparse

from app.settings import Settings
from guidepos.bootstrap import default_home, open_till
from guidepos.starting import onlooker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lang", choices=["zh_CN", "en"], default="zh_CN")
    parser.add_argument("--theme", choices=["light", "dark"], default="light")
    parser.add_argument("--fullscreen", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    from guidepos.window import open_window

    home = arguments.home or default_home()
    settings = Settings(home=home, language=arguments.lang, theme=arguments.theme)
    with onlooker(settings) as looks_on:
        till = open_till(home, settings, looks_on)
    try:
        return open_window(till, fullscreen=arguments.fullscreen)
    finally:
        till.close()
