"""Gives the cloud back what it holds only sealed: a clone, a backup or a second copy of the same journal
may have whole what was damaged elsewhere. Knows no HTTP and no SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.errors import Trouble
from app.ports import JournalMark, Priority, Store, SyncTransport, Unsent
from app.sync.push import Sender, hash_of, signed_push
from app.sync.report import Round
from app.wire.journal import Damaged, Record
from app.wire.messages import SealedPlace

_CONFLICT = 409
"""The cloud stands elsewhere by now (it was restored); its next hello tells anew."""


class Mending:
    """Sends whole records to places the cloud said it holds sealed, each under its own old place."""

    def __init__(self, store: Store, transport: SyncTransport) -> None:
        self._store, self._transport = store, transport
        self._looked_for: set[bytes] = set()
        """Hashes a second copy was asked for: reading all of it every hour would find no more."""

    def give_back(self, sender: Sender, told: Sequence[SealedPlace], round_: Round) -> None:
        """Send what we have whole of these places. Raises Trouble; what is owed is sent another time."""
        sound = self._sound(told)
        round_.owed = len(sound)
        for record in sound:
            if round_.stop():
                return
            mine = replace(sender, identity=replace(sender.identity, epoch=record.header.epoch))
            try:
                self._transport.push(signed_push(mine, Unsent(record.prev_hash, (record,))))
            except Trouble as trouble:
                if trouble.facts.get("status") != _CONFLICT:
                    raise
                return
            round_.owed -= 1
            round_.given_back += 1

    def _sound(self, told: Sequence[SealedPlace]) -> list[Record]:
        places = [JournalMark(each.epoch, each.seq, hash_of(each.hash)) for each in told]
        sound = self._store.run(lambda uow: uow.give_back(places), priority=Priority.SYNC).result()
        found = {record.hash for record in sound}
        missing = [
            Damaged(place.seq, place.hash)
            for place in places
            if place.hash not in found | self._looked_for
        ]
        copied = self._store.sound_copies(missing) if missing else ()
        self._looked_for |= {each.hash for each in missing}
        return [*sound, *copied]
