"""Sends the journal: consecutive records in batches, vouched for by one signature per batch.

A record counts as sent only when the cloud names its hash. One that is damaged, or that the cloud cannot
read even alone, goes sealed, so that those behind it leave too. Knows no HTTP and no SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.errors import Code, Trouble
from app.ports import Clock, Identity, Priority, Store, SyncTransport, UnitOfWork, Unsent
from app.sync.report import Round, fork, is_gap
from app.wire.journal import Chain, Damaged, Record, head_message, header_bytes
from app.wire.messages import PushAnswer, PushedRecord, PushRequest

MOST_RECORDS = 200
MOST_BYTES = 1_000_000
GENTLE_RECORDS = 64
"""A batch beside a person who works at the till: so small that what it delays is no longer than a frame
or two (measured: with 200 a search now and then took 60 ms instead of 15)."""
_FEWEST_RECORDS = 1
_MALFORMED = 422
_MOST_REWINDS = 3
"""Rewinds in one round; a cloud that asks for more contradicts itself."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: this device in this epoch, and the key that vouches for it."""

    identity: Identity
    key: bytes

    def genesis(self) -> bytes:
        """Return the hash before the first record of the epoch."""
        who = self.identity
        return Chain(who.tenant, who.store, who.device, who.epoch).genesis()


class JournalPush:
    """Brings the journal to the cloud until nothing is left or the cloud says no.

    The batch size is remembered between rounds: halved when a batch was too much for the cloud or
    the line, doubled when one went through.
    """

    def __init__(self, store: Store, transport: SyncTransport, clock: Clock) -> None:
        self._store, self._transport, self._clock = store, transport, clock
        self.batch = MOST_RECORDS
        self._refused: bytes = b""
        """Hash of a record the cloud could not read although it came alone."""

    def drain(self, sender: Sender, round_: Round) -> None:
        """Send everything unsent. Raises Trouble; what was confirmed before stays confirmed.

        A gap is raised in a round without a hello: with the mark we have we must say first what the
        cloud has lost, or it never hears of it.
        """
        rewinds = 0
        while not round_.stop():
            began = self._clock.monotonic()
            most = min(self.batch, GENTLE_RECORDS) if round_.rest else self.batch
            unsent = self._next(most)
            if not unsent.records:
                return
            try:
                answer = self._transport.push(signed_push(sender, unsent))
            except Trouble as trouble:
                rewinds += is_gap(trouble)
                unknown = is_gap(trouble) and not round_.said_hello
                if unknown or rewinds > _MOST_REWINDS:
                    raise
                if not self._adapt(sender, unsent, trouble):
                    raise
                continue
            self._take(sender, unsent, answer, round_)
            if round_.rest and len(unsent.records) == most:  # there is more behind it
                round_.rest(self._clock.monotonic() - began)

    def believe(
        self, sender: Sender, hwm: int, hwm_hash: str, *, durable_seq: int | None = None
    ) -> None:
        """Take the cloud's mark as ours, forward or back, if its hash is our record's.

        Raises the fork trouble if it is not: then the cloud holds a history we do not have.
        """
        hash_ = hash_of(hwm_hash) if hwm_hash else sender.genesis()
        at_ms = self._clock.now().wall_ms

        def mark(uow: UnitOfWork) -> bool:
            ours = hwm <= uow.head().seq and uow.mark_received(hwm, hash_, at_ms)
            if ours and durable_seq is not None:
                uow.note_durable(durable_seq)
            return ours

        if not self._store.run(mark, priority=Priority.SYNC).result():
            raise fork(hwm)

    def _next(self, most: int) -> Unsent:
        """Read the next batch; what the cloud could not read goes sealed like what is damaged here."""
        unsent = self._store.run(
            lambda uow: uow.unsent(max_records=most, max_bytes=MOST_BYTES), priority=Priority.SYNC
        ).result()
        unsent = self._with_sound_copies(unsent)
        if not self._refused:
            return unsent
        return replace(unsent, records=tuple(map(self._sealed_if_refused, unsent.records)))

    def _with_sound_copies(self, unsent: Unsent) -> Unsent:
        """Put sound records in the places of damaged ones, where a second copy has them."""
        damaged = [place for place in unsent.records if isinstance(place, Damaged)]
        if not damaged:
            return unsent
        sound = {record.hash: record for record in self._store.sound_copies(damaged)}
        return replace(
            unsent, records=tuple(sound.get(place.hash, place) for place in unsent.records)
        )

    def _sealed_if_refused(self, place: Record | Damaged) -> Record | Damaged:
        if isinstance(place, Damaged) or place.hash != self._refused:
            return place
        return Damaged(place.seq, place.hash, header_bytes(place.header), place.body)

    def _adapt(self, sender: Sender, unsent: Unsent, trouble: Trouble) -> bool:
        """Change what will be sent next after a refusal; False if sending again makes no sense now."""
        if trouble.code is Code.CLOUD_NOT_OURS:
            return False  # a stranger's status says nothing about our records
        status = trouble.facts.get("status")
        if is_gap(trouble):
            self.believe(sender, _hwm(trouble), str(trouble.facts.get("hwm_hash", "")))
            return True
        if trouble.facts.get("timeout"):
            # A slow line: smaller next time, but after the back-off.
            self._halve(len(unsent.records))
            return False
        if status in (413, 422):
            if len(unsent.records) > _FEWEST_RECORDS:
                self._halve(len(unsent.records))
                return True
            only = unsent.records[0]
            if status == _MALFORMED and isinstance(only, Record) and only.hash != self._refused:
                self._refused = only.hash
                return True
            # Refused sealed, too: then it is not the record that is wrong, and it stays what it is.
            self._refused = b""
        return False

    def _halve(self, sent: int) -> None:
        self.batch = max(_FEWEST_RECORDS, sent // 2)

    def _take(self, sender: Sender, unsent: Unsent, answer: PushAnswer, round_: Round) -> None:
        first, last = unsent.records[0].seq, unsent.records[-1].seq
        if not first <= answer.hwm:
            raise Trouble(Code.CLOUD_MESSAGE_INVALID, detail="no progress", hwm=answer.hwm)
        self.believe(sender, answer.hwm, answer.hwm_hash, durable_seq=answer.durable_seq)
        round_.pushed += min(answer.hwm, last) - first + 1
        round_.sealed += [p.seq for p in unsent.records if isinstance(p, Damaged)]
        verdicts = [result.verdict for result in answer.results]
        round_.duplicates += verdicts.count("duplicate")
        round_.exceptions += verdicts.count("accepted_exception")
        self.batch = min(MOST_RECORDS, self.batch * 2)


def signed_push(sender: Sender, unsent: Unsent) -> PushRequest:
    """Return the push of consecutive records, vouched for by the device."""
    who, last = sender.identity, unsent.records[-1]
    message = head_message(who.device, who.epoch, last.seq, last.hash)
    return PushRequest(
        epoch=who.epoch,
        prev_hash=unsent.prev_hash.hex(),
        records=[_pushed(place) for place in unsent.records],
        head_sig=Ed25519PrivateKey.from_private_bytes(sender.key).sign(message),
    )


def _pushed(place: Record | Damaged) -> PushedRecord:
    if isinstance(place, Damaged):
        return PushedRecord(
            seq=place.seq,
            rec_id="",
            kind="",
            schema_ver=0,
            hash=place.hash.hex(),
            header=place.header,
            body=place.body,
            sealed=True,
        )
    return PushedRecord(
        seq=place.seq,
        rec_id=place.header.rec_id,
        kind=place.header.kind,
        schema_ver=place.header.schema_ver,
        hash=place.hash.hex(),
        header=header_bytes(place.header),
        body=place.body,
    )


def _hwm(trouble: Trouble) -> int:
    hwm = trouble.facts.get("hwm")
    return hwm if isinstance(hwm, int) else 0


def hash_of(text: str) -> bytes:
    """Read a hash as it travels. Raises Trouble(CLOUD_MESSAGE_INVALID)."""
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise Trouble(Code.CLOUD_MESSAGE_INVALID, detail="not a hash") from error
