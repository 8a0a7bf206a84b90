"""`guidepos-cloud gateway check` and `fake-providers`: payment providers, real and make-believe."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from dataclasses import asdict, replace
from typing import Any

from cloud.bootstrap import open_cloud, wall_clock
from cloud.settings import Settings


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands to the program's."""
    gateway = commands.add_parser("gateway", help="accounts at payment providers")
    what = gateway.add_subparsers(required=True, metavar="WHAT")
    check = what.add_parser(
        "check", parents=[common], help="say of each account what is wrong, moving no money"
    )
    check.add_argument("--offline", action="store_true", help="ask no provider")
    check.add_argument("--public-url", default="", help="base of our pages, as `serve` is told")
    check.set_defaults(run=_check)

    fakes = commands.add_parser(
        "fake-providers",
        parents=[common],
        help="make-believe Alipay and WeChat Pay on loopback, and accounts there for --data",
    )
    fakes.add_argument("--port", type=int, default=8471, help="0 chooses a free one")
    fakes.set_defaults(run=_serve)


def _check(options: argparse.Namespace, settings: Settings) -> int:
    from cloud.desk import account_tools
    from cloud.gateways.accounts import written
    from cloud.gateways.checkup import Verdict, examine

    cloud = open_cloud(replace(settings, public_url=options.public_url))
    try:
        tools = account_tools(cloud)
        folder = settings.accounts
        found = [
            finding
            for name in written(folder)
            for finding in examine(folder, name, tools, ask=not options.offline)
        ]
    finally:
        cloud.close()
    if options.json:
        print(json.dumps([asdict(finding) for finding in found], ensure_ascii=False))
    else:
        for finding in found:
            print(f"{finding.account}: {finding.verdict.value}: {finding.text}")
        if not found:
            print(f"no accounts in {folder}: only the sandbox takes payments")
    return int(any(finding.verdict is Verdict.ERROR for finding in found))


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    from cloud.fakes.furnish import furnish
    from cloud.fakes.serve import serving

    if any(settings.accounts.glob("*.toml")):
        print(
            f"{settings.accounts} holds accounts already; make-believe ones need a place of their own"
        )
        return 1
    made = furnish()
    with serving(lambda base: made.providers(base, wall_clock), port=options.port) as (base, _):
        made.write(settings.accounts, base)
        print(f"make-believe providers at {base}; accounts in {settings.accounts}", flush=True)
        stopped = threading.Event()
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, lambda _number, _frame: stopped.set())
        stopped.wait()
        made.remove(settings.accounts)
    return 0
