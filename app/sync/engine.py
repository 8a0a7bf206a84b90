"""One round of sync as plain steps: hello, journal up, members up, reference down, members down.

Runs on whatever thread calls it, talks to the store and the cloud through their ports, and never
raises Trouble: it ends in a report. Selling never waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from app.domain.ids import new_id
from app.errors import Code, Trouble
from app.ports import Clock, JournalMark, Priority, Store, SyncTransport, UnitOfWork
from app.sync.bootstrap import Bootstrap
from app.sync.jobs import ShortJobs
from app.sync.pull import ReferencePull
from app.sync.push import JournalPush, Sender
from app.sync.report import Round, SyncReport, ends_the_round
from app.wire.messages import STREAMS, HelloAnswer, HelloRequest
from app.wire.versions import PROTOCOL, SCHEMA

DB_ID = "db_id"
FEED_GENERATION = "feed_generation"


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the store says about itself at the start of a round."""

    sender: Sender
    head: JournalMark
    acked: JournalMark
    db_id: str
    feed_generation: str


class SyncEngine:
    """Brings one till and its cloud to the same state. One at a time; not for two threads."""

    def __init__(
        self,
        store: Store,
        transport: SyncTransport,
        clock: Clock,
        *,
        app_version: str,
        boot_nonce: str = "",
        snapshots: bool = False,
    ) -> None:
        self._store, self._transport, self._clock = store, transport, clock
        self._app_version = app_version
        # Two copies of one till show the same ids but never the same nonce.
        self._boot_nonce = boot_nonce or new_id()
        self._journal = JournalPush(store, transport, clock)
        jobs = ShortJobs(store, clock)
        # Without snapshots a feed is followed from its first page, however long that takes.
        self._bootstrap = Bootstrap(jobs, transport, clock, enabled=snapshots)
        self._reference = ReferencePull(jobs, transport, self._bootstrap)
        self._generation: str | None = None
        self._restart = False

    def run(
        self,
        *,
        hello: bool = True,
        pull: bool = True,
        streams: Collection[str] = (),
        stop: Callable[[], bool] = lambda: False,
    ) -> SyncReport:
        """Do one round and report. Steps that cannot work are reported, the others still run.

        `stop` is asked between two requests; what was done until then stands. Without `hello` the
        cloud's mark is taken on trust until the next push; without `pull` things are only sent, and
        `streams` names reference that is followed all the same.
        """
        round_ = Round(stop=stop)
        try:
            standing = self._standing()
            pushing = not hello or self._hello(standing, round_)
        except Trouble as trouble:
            round_.note(trouble)
            return round_.report()
        chosen = STREAMS if pull else tuple(filter(streams.__contains__, STREAMS))
        self._bootstrap.between = self._sending(standing.sender, round_, pushing=pushing)
        for step in self._steps(standing.sender, chosen, pushing=pushing, members=pull):
            if stop():
                break
            try:
                step(round_)
            except Trouble as trouble:
                round_.note(trouble)
                if ends_the_round(trouble):
                    break
        if pull:
            self._keep_generation(round_)
        return round_.report()

    def _steps(
        self, sender: Sender, streams: Collection[str], *, pushing: bool, members: bool
    ) -> list[Callable[[Round], None]]:
        steps: list[Callable[[Round], None]] = []
        if pushing:
            steps.append(lambda round_: self._journal.drain(sender, round_))
        if self._store.drain_only:
            return steps
        steps.append(self._reference.send_members)
        steps.extend(self._following(stream) for stream in streams)
        if members:
            steps.append(
                lambda round_: self._reference.follow_members(round_, restart=self._restart)
            )
        return steps

    def _sending(self, sender: Sender, round_: Round, *, pushing: bool) -> Callable[[], None]:
        """Return what sends the sales made during a long download; a refusal ends only the sending."""
        refused = not pushing

        def send() -> None:
            nonlocal refused
            if refused:
                return
            try:
                self._journal.drain(sender, round_)
            except Trouble as trouble:
                if ends_the_round(trouble):
                    raise
                round_.note(trouble)
                refused = True

        return send

    def _following(self, stream: str) -> Callable[[Round], None]:
        return lambda round_: self._reference.follow(stream, round_, restart=self._restart)

    def _standing(self) -> _Standing:
        drain_only = self._store.drain_only

        def look(uow: UnitOfWork) -> _Standing:
            identity = uow.identity()
            if not identity.enrolled:
                raise Trouble(Code.DEVICE_NOT_ENROLLED)
            db_id = uow.state(DB_ID)
            if not db_id and not drain_only:
                db_id = new_id()
                uow.set_state(DB_ID, db_id)
            sender = Sender(identity, uow.device_key())
            return _Standing(sender, uow.head(), uow.acked(), db_id, uow.state(FEED_GENERATION))

        return self._store.run(look, priority=Priority.SYNC).result()

    def _hello(self, standing: _Standing, round_: Round) -> bool:
        """Say hello and believe the cloud's mark; False if the journal must not be pushed.

        A mark behind ours means that the cloud was restored from a backup: we rewind and send again.
        """
        asked = self._clock.monotonic()
        answer = self._transport.hello(self._greeting(standing))
        # The answer's time was true about half a round trip ago.
        self._clock.anchor(answer.server_ms + round((self._clock.monotonic() - asked) * 500))
        round_.said_hello = True
        round_.commands = tuple(answer.commands)
        self._note_generation(standing, answer)
        acked = standing.acked
        if answer.hwm == acked.seq and answer.hwm_hash in ("", acked.hash.hex()):
            return True
        try:
            self._journal.believe(standing.sender, answer.hwm, answer.hwm_hash)
        except Trouble as trouble:
            if ends_the_round(trouble):
                raise
            round_.note(trouble)
            return False
        round_.pushed += max(0, answer.hwm - acked.seq)
        round_.duplicates += max(0, answer.hwm - acked.seq)
        return True

    def _greeting(self, standing: _Standing) -> HelloRequest:
        head, acked = standing.head, standing.acked
        return HelloRequest(
            epoch=standing.sender.identity.epoch,
            last_seq=head.seq,
            last_hash=head.hash.hex() if head.seq else "",
            acked_seq=acked.seq,
            acked_hash=acked.hash.hex() if acked.seq else "",
            app_version=self._app_version,
            protocol=PROTOCOL,
            schema=dict(SCHEMA),
            db_id=standing.db_id,
            boot_nonce=self._boot_nonce,
        )

    def _note_generation(self, standing: _Standing, answer: HelloAnswer) -> None:
        """Follow every stream from its start when the cloud's feeds began anew (a restored cloud)."""
        generation = str(answer.feed_generation)
        self._restart = standing.feed_generation not in ("", generation)
        self._generation = generation if standing.feed_generation != generation else None

    def _keep_generation(self, round_: Round) -> None:
        """Remember a new generation once everything of it is here; until then start over."""
        generation = self._generation
        if generation is None or round_.trouble or round_.stop() or self._store.drain_only:
            return
        self._store.run(
            lambda uow: uow.set_state(FEED_GENERATION, generation), priority=Priority.SYNC
        ).result()
        self._generation, self._restart = None, False
