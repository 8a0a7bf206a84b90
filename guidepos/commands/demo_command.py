"""`guidepos demo`: the demo shop. Without a display it plays one sale and leaves the screens behind."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from guidepos.bootstrap import default_home
from guidepos.embedded_cloud import EVERY_ADDRESS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--headless", action="store_true", help="play the story without a display")
    parser.add_argument("--out", type=Path, default=Path("build/tour"), metavar="DIR")
    parser.add_argument("--lan", action="store_true", help="let phones on this network scan")
    parser.add_argument("--public-url", default="", metavar="URL", help="address of a tunnel")
    parser.add_argument("--fullscreen", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    host = EVERY_ADDRESS if arguments.lan else "127.0.0.1"
    if arguments.headless or not _has_display():
        return _play(arguments, host)
    return _open(arguments, host)


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    if os.environ.get("QT_QPA_PLATFORM"):
        return os.environ["QT_QPA_PLATFORM"] not in ("offscreen", "minimal")
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(arguments: argparse.Namespace, host: str) -> int:
    from guidepos.demo_home import demo
    from guidepos.window import open_window

    home = arguments.home or default_home().with_name("guidepos-demo")
    print(f"demo shop in {home}; sign in as 林晚晴 with PIN 1001")
    with demo(home, host=host, public_url=arguments.public_url) as shop:
        print(f"cloud at {shop.cloud.url}; customer pages at {shop.cloud.public_url}")
        print(f"a customer's payment code to scan: {shop.cloud.public_url}/wallet")
        return open_window(shop.till, fullscreen=arguments.fullscreen)


def _play(arguments: argparse.Namespace, host: str) -> int:
    """Play the story in a fresh shop, unless a home is named."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from guidepos.demo_home import demo
    from guidepos.tour import Story, check_books

    home = arguments.home or Path(tempfile.mkdtemp(prefix="guidepos-demo-"))
    print("no display: playing one sale in an invisible window")
    try:
        with demo(home, host=host, public_url=arguments.public_url) as shop:
            sale = Story(shop, arguments.out).play()
            check_books(shop, sale)
    finally:
        if arguments.home is None:
            shutil.rmtree(home, ignore_errors=True)
    print(f"screens are in {arguments.out}")
    return 0
