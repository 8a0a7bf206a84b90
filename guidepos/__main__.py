"""`guidepos`: the till and its commands. Each command lives in its own file and is loaded alone, so
that starting the till does not pay for the others."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

COMMANDS = {
    "run": "open the till",
    "demo": "open the demo shop: an embedded cloud and the till",
    "enrol": "connect this till to a cloud with a one-time code",
    "unenrol": "forget the cloud this till is enrolled at",
    "wipe": "remove this till from the machine",
    "import": "import a catalogue from CSV",
    "replay": "replay recorded transactions through the till's services",
    "journal": "check the journal",
    "sync": "exchange with the cloud once",
    "backup": "back the store up now, or list its backups",
    "restore": "put the store back from a backup",
    "recover": "give a store its key back from escrow, or its sales from a second copy",
    "second-copy": "keep what is sold on a second card too",
    "tags": "print sheets of product tags",
    "decode": "read the codes in picture files",
    "screenshot": "render a screen to a PNG",
    "bench": "measure the till",
    "doctor": "say what is well and what is not",
}


def main(argv: list[str] | None = None) -> int:
    """Run a command; return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if "--selftest" in arguments:
        return int(import_module("guidepos.commands.selftest").run())
    parser = argparse.ArgumentParser(prog="guidepos", description="In-store guide point of sale")
    parser.add_argument("command", nargs="?", choices=COMMANDS, default="run")
    if not arguments or arguments[0] in ("-h", "--help"):
        parser.epilog = "; ".join(f"{name}: {text}" for name, text in COMMANDS.items())
        if arguments:
            parser.print_help()
            return 0
    name = "run"
    if arguments and not arguments[0].startswith("-"):
        name = parser.parse_args(arguments[:1]).command
        arguments = arguments[1:]
    module = import_module(f"guidepos.commands.{name.replace('-', '_')}_command")
    command = argparse.ArgumentParser(prog=f"guidepos {name}", description=COMMANDS[name])
    command.add_argument(
        "--home", type=Path, default=None, metavar="DIR", help="folder of this till"
    )
    module.add_arguments(command)
    return guarded(module.run, command.parse_args(arguments))


def guarded(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Run a command; known trouble becomes one line on stderr and status 1, never a traceback."""
    from app.errors import RuleBroken, Trouble
    from guidepos.words import sentence

    try:
        return run(arguments)
    except (RuleBroken, Trouble) as error:
        print(f"guidepos: {sentence(error)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
