"""Looks at one account as an operator would: is it written down well, does the provider believe us.

The question it asks is about an order that never was, so it moves nothing. What it finds are sentences for
the person at the command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from app.domain.ids import new_id
from app.errors import RuleBroken, Trouble
from cloud.gateways.accounts import AccountUnfit, Written, read
from cloud.gateways.base import PENDING, AttemptKey, Gateway, Offer
from cloud.gateways.connect import Tools, connect
from cloud.gateways.signing.certificates import end_of

SOON = timedelta(days=60)
"""A new certificate takes a person with rights at the provider's console, and a day when they are there."""
_ROOT = "root_cert"
"""Alipay's file of roots: of its many certificates some have ended long ago."""


class Verdict(StrEnum):
    """How well something is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    account: str
    verdict: Verdict
    text: str


def examine(folder: Path, name: str, tools: Tools, *, ask: bool) -> Iterator[Finding]:
    """Yield what is found about one account; `ask` puts a question to the provider, too."""
    try:
        gateway = connect(folder, name, tools)
        found = read(folder, name)
        notify_url = found.text("notify_url", tools.notify_url(name))
    except AccountUnfit as error:
        yield Finding(name, Verdict.ERROR, str(error))
        return
    yield Finding(name, Verdict.OK, "the account is written down well and its keys can be read")
    yield from _judge_certificates(name, found, tools.now_ms())
    if Offer.NOTIFY in gateway.offers:
        yield _judge_address(name, notify_url)
    if Offer.BY_HAND in gateway.offers:
        yield Finding(name, Verdict.WARNING, "it confirms nothing by itself: webhook or by hand")
    elif ask:
        yield _ask(name, gateway, tools)


def _judge_certificates(name: str, found: Written, now_ms: int) -> Iterator[Finding]:
    """Yield a word about each certificate that ends soon and has no next one written down beside it."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    for key, value in sorted(found.values.items()):
        if not isinstance(value, str) or key == _ROOT:
            continue
        end = end_of(found.text(key)) if value else None
        if end is None or found.has(f"next_{key}") or end - now > SOON:
            continue
        if end <= now:
            yield Finding(name, Verdict.ERROR, f"{key} ended on {end:%Y-%m-%d}")
        else:
            text = f"{key} ends on {end:%Y-%m-%d}; get the next one before"
            yield Finding(name, Verdict.WARNING, text)


def _judge_address(name: str, address: str) -> Finding:
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname:
        text = f"notifications need a public https address; {address or 'none'} is not one"
        return Finding(name, Verdict.WARNING, f"{text} (serve with --public-url)")
    if parts.query:
        return Finding(name, Verdict.ERROR, "the notify address may not have a query")
    return Finding(name, Verdict.OK, f"notifications come to {address}")


def _ask(name: str, gateway: Gateway, tools: Tools) -> Finding:
    try:
        answer = gateway.query(AttemptKey(tools.tenant, "check", new_id()))
    except Trouble as trouble:
        return Finding(name, Verdict.ERROR, f"no answer to be believed: {trouble.facts['detail']}")
    except RuleBroken as refusal:
        return Finding(name, Verdict.ERROR, f"the provider refuses: {refusal.code}")
    if answer.standing not in PENDING:
        return Finding(name, Verdict.ERROR, f"an order that never was is {answer.standing}")
    return Finding(name, Verdict.OK, "the provider believes our signature and we believe its")
