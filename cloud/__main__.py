"""`guidepos-cloud`: serve, migrate, make enrolment codes, load the demo shop, look after tills and
tasks, export.

Knows arguments and output only; the work is in services.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from app.errors import RuleBroken, Trouble
from cloud.bootstrap import Cloud, open_cloud
from cloud.commands import backups, bills, distribute, gateways, import_journal, tidy
from cloud.commands.numbers import none_or_more, one_or_more
from cloud.commands.office import add_commands as add_office_commands
from cloud.errors import Refused
from cloud.settings import Limits, Settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    settings = Settings(data=options.data.expanduser(), db_url=options.db)
    try:
        status: int = options.run(options, settings)
    except (RuleBroken, Trouble) as error:
        print(f"{error.code.value} {error.facts or ''}".rstrip(), file=sys.stderr)
        return 1
    except Refused as error:
        print(f"{error.problem.code} {error.problem.detail}".rstrip(), file=sys.stderr)
        return 1
    except OSError as error:  # a file that exists already, a port that is taken, a full disk
        print(error, file=sys.stderr)
        return 1
    return status


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    from cloud.operation import logs
    from cloud.serve import serve  # the server's libraries load only where they serve

    logs.configure(requests=not options.quiet)
    _catch_up(settings)
    limits = replace(settings.limits, pushes_at_work=options.pushes)
    return serve(
        replace(settings, workers=options.workers, log=not options.quiet, limits=limits),
        host=options.host,
        port=options.port,
        port_file=options.port_file,
        public_url=options.public_url,
        say=lambda line: print(line, flush=True),
        leash=sys.stdin.fileno() if options.with_parent else None,
    )


def _metrics_token(_options: argparse.Namespace, settings: Settings) -> int:
    from cloud.services.keys import load_keys

    print(load_keys(settings.keys_file).metrics_token())
    return 0


def _catch_up(settings: Settings) -> int:
    """Book what waited for this version; return how many records."""
    from cloud.services.catching_up import catch_up

    with _Opened(settings) as cloud:
        return catch_up(cloud.db, now_ms=cloud.clock())


def _migrate(_options: argparse.Namespace, settings: Settings) -> int:
    booked = _catch_up(settings)
    print("the database is up to date")
    if booked:
        print(f"{booked} records that had waited for this version are on the books")
    return 0


def _enrol_code(options: argparse.Namespace, settings: Settings) -> int:
    from cloud.services.enrol import make_enrol_code

    with _Opened(settings) as cloud:
        made = cloud.db.write(
            lambda connection: make_enrol_code(
                connection, options.store, now_ms=cloud.clock(), minutes=settings.enrol_minutes
            )
        )
    if options.json:
        print(json.dumps({"code": made.code, "store": made.store, "expires_ms": made.expires_ms}))
    else:
        print(made.code)
    return 0


def _store_key(options: argparse.Namespace, settings: Settings) -> int:
    from cloud.db.state import ensure_tenant
    from cloud.services.escrow import recover_store_key

    with _Opened(settings) as cloud:
        tenant_id = cloud.db.write(lambda connection: ensure_tenant(connection, cloud.clock()))
        key = cloud.db.read(
            lambda connection: recover_store_key(
                connection, cloud.keys.escrow, tenant_id, options.device
            )
        )
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(options.out, flags, 0o600), "w") as out:
        out.write(key.hex())
    print(f"the store key of {options.device} is in {options.out}; delete it after use")
    return 0


def _demo_data(options: argparse.Namespace, settings: Settings) -> int:
    from cloud.services.demo import load_demo

    with _Opened(settings) as cloud:
        loaded = load_demo(
            cloud.db,
            cloud.clock(),
            skus=options.skus,
            styles=options.styles,
            members=options.members,
        )
    print(json.dumps(loaded) if options.json else " · ".join(f"{v} {k}" for k, v in loaded.items()))
    return 0


def _export_sales(options: argparse.Namespace, settings: Settings) -> int:
    from cloud.db.state import ensure_tenant
    from cloud.services.reports import invoice_totals, write_invoice_totals

    with _Opened(settings) as cloud:
        tenant_id = cloud.db.write(lambda connection: ensure_tenant(connection, cloud.clock()))
        with (
            cloud.db.reading() as connection,
            options.file.open("w", encoding="utf-8", newline="") as out,
        ):
            count = write_invoice_totals(invoice_totals(connection, tenant_id), out)
    print(json.dumps({"invoices": count}) if options.json else f"{count} invoices")
    return 0


class _Opened:
    """A cloud for the length of one command."""

    def __init__(self, settings: Settings) -> None:
        self._cloud = open_cloud(replace(settings, statement_s=0))  # an export may take its time

    def __enter__(self) -> Cloud:
        return self._cloud

    def __exit__(self, *_error: object) -> None:
        self._cloud.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="guidepos-cloud", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="keys and the embedded database"
    )
    common.add_argument(
        "--db", default="", metavar="URL", help="postgresql+psycopg://… instead of SQLite"
    )
    common.add_argument("--json", action="store_true", help="print figures as JSON")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _add_serve(commands, common)

    token = commands.add_parser(
        "metrics-token", parents=[common], help="the token Prometheus shows at /metrics"
    )
    token.set_defaults(run=_metrics_token)

    migrate = commands.add_parser("migrate", parents=[common], help="bring the database up to date")
    migrate.set_defaults(run=_migrate)

    distribute.add(commands, common)

    code = commands.add_parser("enrol-code", parents=[common], help="a one-time code for a till")
    code.add_argument("--store", required=True, metavar="CODE", help="made if it does not exist")
    code.set_defaults(run=_enrol_code)

    key = commands.add_parser(
        "store-key", parents=[common], help="a till's store key from escrow, for `guidepos recover`"
    )
    key.add_argument("--device", required=True, metavar="ID")
    key.add_argument("--out", type=Path, required=True, metavar="FILE", help="made with mode 0600")
    key.set_defaults(run=_store_key)

    tidy.add(commands, common)
    gateways.add(commands, common)
    bills.add(commands, common)

    _add_demo_data(commands, common)
    backups.add(commands, common)
    add_office_commands(commands, common)
    import_journal.add(commands, common)

    _add_export(commands, common)
    return parser


def _add_demo_data(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    demo = commands.add_parser("demo-data", parents=[common], help="load the invented demo shop")
    size = demo.add_mutually_exclusive_group()
    size.add_argument(
        "--styles", type=none_or_more, help="how many styles; the usual shop has sixty"
    )
    size.add_argument("--skus", type=none_or_more, help="at least so many SKUs")
    demo.add_argument("--members", type=none_or_more, default=2_000)
    demo.set_defaults(run=_demo_data)


def _add_export(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    export = commands.add_parser("export", help="write CSV")
    what = export.add_subparsers(required=True, metavar="WHAT")
    sales = what.add_parser("sales", parents=[common], help="invoice,net_minor of all documents")
    sales.add_argument("file", type=Path, metavar="FILE.csv")
    sales.set_defaults(run=_export_sales)


def _add_serve(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    serve = commands.add_parser("serve", parents=[common], help="answer tills and phones")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8470, help="0 chooses a free one")
    serve.add_argument("--port-file", type=Path, help="where to write the chosen port")
    serve.add_argument("--public-url", default="", help="base of the customer's pages on a phone")
    serve.add_argument(
        "--with-parent", action="store_true", help="end when standard input is closed"
    )
    serve.add_argument(
        "--workers", type=one_or_more, default=1, metavar="N", help="processes, on PostgreSQL only"
    )
    serve.add_argument(
        "--pushes",
        type=one_or_more,
        default=Limits().pushes_at_work,
        metavar="N",
        help="pushes a worker handles at the same time",
    )
    serve.add_argument("--quiet", action="store_true", help="no log lines about requests")
    serve.set_defaults(run=_serve)


if __name__ == "__main__":
    sys.exit(main())
