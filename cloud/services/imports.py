"""Takes an exported journal in, by the very path a push takes; the last resort of a till that can reach us
no more. Importing a file twice adds nothing.

Where a stretch does not continue the journal we hold (a gap, another history, an epoch we never opened),
nothing is refused: it is kept as a chain of its own, `import-…`, and the records' ids say what is known.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.wire.export import Export, read_export
from app.wire.messages import MembersPush, PushAnswer, PushRequest
from cloud.db.base import Database
from cloud.db.tables import device_epoch
from cloud.errors import Refused
from cloud.services import members
from cloud.services.envelope import Received, verify
from cloud.services.ingest import ingest
from cloud.services.marks import mark_of
from cloud.services.tokens import DevicePrincipal, device_at_home

IMPORTED = "import"
"""The reason such a chain was opened for."""


@dataclass(slots=True)
class Imported:
    """What became of a file's records and changes, by verdict."""

    device: str = ""
    verdicts: Counter[str] = field(default_factory=Counter)
    members: Counter[str] = field(default_factory=Counter)
    chains: list[str] = field(default_factory=list)
    """Epochs whose records had to be kept as chains of their own."""


def import_journal(db: Database, escrow: X25519PrivateKey, data: bytes, *, now_ms: int) -> Imported:
    """Take a file in, push by push.

    Raises Refused 404 (device_unknown), RuleBroken(FILE_UNREADABLE); then nothing was taken.
    """
    export = read_export(data)
    sender = _sender(db, export)
    export.verify(sender.key)
    parts = list(export.parts(escrow))
    for part in parts:  # believed as a whole or not at all
        if isinstance(part, PushRequest):
            verify(part, sender)
    result = Imported(sender.device)
    aside: set[str] = set()
    for part in parts:
        if isinstance(part, MembersPush):
            _take_members(db, sender, part, result, now_ms)
        else:
            _take_push(db, sender, part, export.manifest.export_id, aside, result, now_ms)
    result.chains = sorted(aside)
    return result


def _sender(db: Database, export: Export) -> DevicePrincipal:
    manifest = export.manifest
    found = db.read(lambda connection: device_at_home(connection, manifest.device))
    if found is None or (found.tenant, found.store) != (manifest.tenant, manifest.store):
        raise Refused(404, "device_unknown", manifest.device)
    return found


def _take_push(
    db: Database,
    sender: DevicePrincipal,
    push: PushRequest,
    export_id: str,
    aside: set[str],
    result: Imported,
    now_ms: int,
) -> None:
    records = verify(push, sender)
    answer: PushAnswer | None = None
    if push.epoch not in aside:
        try:
            answer = db.write(
                lambda connection: ingest(connection, sender, push.epoch, records, now_ms=now_ms)
            )
        except Refused as refused:
            if refused.status != 409:
                raise
    if answer is None:
        aside.add(push.epoch)
        answer = db.write(
            lambda connection: _ingest_aside(
                connection, sender, export_id, push.epoch, records, now_ms
            )
        )
    result.verdicts.update(each.verdict for each in answer.results)


def _ingest_aside(
    connection: sa.Connection,
    sender: DevicePrincipal,
    export_id: str,
    epoch: str,
    records: list[Received],
    now_ms: int,
) -> PushAnswer:
    """Keep records in the chain this file has for an epoch, which begins where its first push does."""
    chain = f"{IMPORTED}-{export_id[-12:]}-{epoch}"[:60]
    if mark_of(connection, sender, chain, lock=True) is None:
        connection.execute(
            sa.insert(device_epoch).values(
                tenant_id=sender.tenant,
                store_id=sender.store,
                device_id=sender.device,
                epoch=chain,
                ordinal=0,  # no till counts by it
                hwm=records[0].header.seq - 1,
                hwm_hash=records[0].prev_hash,
                opened_ms=now_ms,
                request_id=chain,
                reason=IMPORTED,
            )
        )
    return ingest(connection, sender, chain, records, now_ms=now_ms)


def _take_members(
    db: Database, sender: DevicePrincipal, push: MembersPush, result: Imported, now_ms: int
) -> None:
    if sender.revoked:  # a revoked till changes no person; the file stays where it is
        result.members["refused"] += len(push.changes)
        return
    try:
        answer = db.write(lambda connection: members.push(connection, sender, push, now_ms=now_ms))
    except Refused as refused:
        if refused.status not in (413, 422):
            raise
        if (
            len(push.changes) == 1
        ):  # what the till could not send either; the file stays where it is
            result.members["refused"] += 1
            return
        half = len(push.changes) // 2
        for changes in (push.changes[:half], push.changes[half:]):
            _take_members(db, sender, MembersPush(changes=changes), result, now_ms)
        return
    result.members.update(verdict.verdict for verdict in answer.verdicts)
