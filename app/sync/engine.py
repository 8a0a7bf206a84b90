"""One round of sync as plain steps: hello, journal up, members up, reference down, members down, and
now and then a look at whether both sides' books agree and which old records may go.

Runs on whatever thread calls it, talks to the store and the cloud through their ports, and never
raises Trouble: it ends in a report. Selling never waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from app.domain.ids import new_id
from app.domain.times import business_date
from app.errors import Code, Trouble
from app.ports import (
    BOOKS_ANSWERED,
    BOOKS_ASKED,
    Clock,
    JournalMark,
    Priority,
    Store,
    SyncTransport,
    UnitOfWork,
)
from app.sync.alarms import alarms_of
from app.sync.books import compare_books
from app.sync.bootstrap import Bootstrap
from app.sync.epochs import FORKED, RESTORED_STATE, EpochChange, why_another
from app.sync.jobs import ShortJobs
from app.sync.member_push import MemberPush
from app.sync.mending import Mending
from app.sync.pull import ReferencePull
from app.sync.push import JournalPush, Sender
from app.sync.report import Round, SyncReport, ends_the_round, is_fork, is_gap
from app.wire.messages import STREAMS, HelloAnswer, HelloRequest
from app.wire.versions import PROTOCOL, SCHEMA

DB_ID = "db_id"
REVOKED = "revoked"
"""The cloud's word for a device that may send what it has and do nothing else."""
FEED_GENERATION = "feed_generation"


KEEP_DAYS = 400
"""So long a till keeps its records, at least: a year's returns, and last year's day to compare with."""
PRUNE_AT_ONCE = 200
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the store says about itself at the start of a round."""

    sender: Sender
    head: JournalMark
    acked: JournalMark
    db_id: str
    feed_generation: str
    timeline: str
    restored: bool
    revoked: bool
    books_asked: str
    """The newest question whether the cloud's books are still the same, "" if all have their answer."""


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
        keep_days: int = KEEP_DAYS,
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
        self._members = MemberPush(store, transport, clock)
        self._epochs = EpochChange(store, transport, clock)
        self._mending = Mending(store, transport)
        self._keep_days = keep_days
        self._generation: str | None = None
        self._restart = False

    def run(
        self,
        *,
        hello: bool = True,
        pull: bool = True,
        streams: Collection[str] = (),
        stop: Callable[[], bool] = lambda: False,
        rest: Callable[[float], None] | None = None,
    ) -> SyncReport:
        """Do one round and report. Steps that cannot work are reported, the others still run.

        `stop` is asked between two requests; what was done until then stands. With a `rest` a backlog leaves
        gently, see `Round`. Without `hello` the cloud's mark is taken on trust until the next push; without
        `pull` things are only sent, and `streams` names reference that is followed all the same.
        """
        round_ = Round(stop=stop, rest=rest)
        try:
            standing = self._standing()
            round_.revoked = standing.revoked
            # A revoked till asks each time whether it still is; a restored one must not send as before.
            greeting = hello or standing.revoked or standing.restored or standing.books_asked != ""
            self._tidy_members(round_)
            sender = self._hello(standing, round_) if greeting else standing.sender
        except Trouble as trouble:
            round_.note(trouble)
            return round_.report()
        chosen = STREAMS if pull else tuple(filter(streams.__contains__, STREAMS))
        self._bootstrap.between = self._sending(round_, pushing=sender is not None)
        for step in self._steps(sender, chosen, round_, members=pull):
            if stop():
                break
            try:
                step(round_)
            except Trouble as trouble:
                if trouble.code is Code.DEVICE_REVOKED:
                    self._take_standing(True, round_)
                round_.note(trouble)
                if ends_the_round(trouble):
                    break
        if pull:
            self._keep_generation(round_)
        try:
            self._raise_alarms(round_)
        except Trouble as trouble:
            round_.note(trouble)
        return round_.report()

    def _raise_alarms(self, round_: Round) -> None:
        """Leave what a person must see in the store; the same alarm twice is one."""
        if self._store.drain_only or not (round_.sealed or round_.epoch or round_.books):
            return
        at_ms = self._clock.now().server_ms

        def leave(uow: UnitOfWork) -> None:
            for code, subject, detail in alarms_of(round_, uow.identity().epoch):
                uow.raise_alarm(code, subject, detail, at_ms)

        self._store.run(leave, priority=Priority.SYNC).result()

    def _steps(
        self, sender: Sender | None, streams: Collection[str], round_: Round, *, members: bool
    ) -> list[Callable[[Round], None]]:
        steps: list[Callable[[Round], None]] = []
        if sender is not None:
            steps.append(lambda round_: self._drain(sender, round_))
            if round_.sealed_there and not self._store.drain_only:
                steps.append(
                    lambda round_: self._mending.give_back(sender, round_.sealed_there, round_)
                )
        if self._store.drain_only or round_.revoked:
            return steps
        steps.append(self._members.drain)
        steps.extend(self._following(stream) for stream in streams)
        if members:
            steps.append(
                lambda round_: self._reference.follow_members(round_, restart=self._restart)
            )
            if round_.said_hello:
                steps += [self._compare_books, self._let_go]
        return steps

    def _tidy_members(self, round_: Round) -> None:
        """Count the members' lease, reachable or not, and forget who is to be forgotten."""
        more = not self._store.drain_only
        while more and not round_.stop():
            more = self._store.run(lambda uow: uow.tidy_members(), priority=Priority.SYNC).result()

    def _drain(self, sender: Sender, round_: Round) -> None:
        """Send everything; once, another epoch answers a fork, and a hello a cloud that lost records."""
        try:
            self._journal.drain(sender, round_)
        except Trouble as trouble:
            if is_fork(trouble):
                again: Sender | None = self._epochs.open_another(FORKED, round_)
            elif is_gap(trouble) and not round_.said_hello:
                again = self._hello(self._standing(), round_)
            else:
                raise
            if again is not None:
                self._journal.drain(again, round_)

    def _sending(self, round_: Round, *, pushing: bool) -> Callable[[], None]:
        """Return what sends the sales made during a long download; a refusal ends only the sending."""
        refused = not pushing

        def send() -> None:
            nonlocal refused
            if refused:
                return
            try:
                # In whatever epoch the journal is by now.
                self._drain(self._standing().sender, round_)
            except Trouble as trouble:
                if ends_the_round(trouble):
                    raise
                round_.note(trouble)
                refused = True

        return send

    def _compare_books(self, round_: Round) -> None:
        """Compare both sides' sums, if everything has been sent."""
        today = business_date(self._clock.now())
        round_.books = compare_books(self._store, self._transport, today)

    def _let_go(self, round_: Round) -> None:
        """Let old records go that the cloud cannot lose any more, a few at a time; none while it lacks
        one that is whole here."""
        if round_.owed:
            return
        before_ms = self._clock.now().server_ms - self._keep_days * _DAY_MS
        gone = PRUNE_AT_ONCE
        while gone and not round_.stop():
            gone = self._store.run(
                lambda uow: uow.prune(before_ms, PRUNE_AT_ONCE), priority=Priority.SYNC
            ).result()

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
            return _Standing(
                sender=Sender(identity, uow.device_key()),
                head=uow.head(),
                acked=uow.acked(),
                db_id=db_id,
                feed_generation=uow.state(FEED_GENERATION),
                timeline=identity.timeline,
                restored=bool(uow.state(RESTORED_STATE)),
                revoked=uow.is_revoked(),
                books_asked=_open_question(uow),
            )

        return self._store.run(look, priority=Priority.SYNC).result()

    def _hello(self, standing: _Standing, round_: Round) -> Sender | None:
        """Say hello and believe the cloud's mark; return who sends, None if nothing can be sent now.

        A mark behind ours means that the cloud was restored from a backup: we rewind and send again. A
        mark that is not in our history, or beyond it, means that our journal goes on in another epoch.
        """
        asked = self._clock.monotonic()
        answer = self._transport.hello(self._greeting(standing))
        # The answer's time was true about half a round trip ago.
        self._clock.anchor(answer.server_ms + round((self._clock.monotonic() - asked) * 500))
        round_.said_hello = True
        round_.commands, round_.sealed_there = tuple(answer.commands), answer.sealed
        self._take_standing(answer.standing == REVOKED, round_)
        self._note_generation(standing, answer)
        self._learn(answer)
        try:
            reason = why_another(answer, standing.head, standing.restored)
            if not reason:
                reason = self._believe(standing, answer, round_)
            if reason:
                return self._epochs.open_another(reason, round_)
            self._keep_timeline(standing, answer)
            self._answer_question(standing)
            return standing.sender
        except Trouble as trouble:
            if ends_the_round(trouble):
                raise
            round_.note(trouble)
            return None

    def _believe(self, standing: _Standing, answer: HelloAnswer, round_: Round) -> str:
        """Take the cloud's mark over; return "forked" if it is not in our history."""
        acked = standing.acked
        try:
            self._journal.believe(
                standing.sender, answer.hwm, answer.hwm_hash, durable_seq=answer.durable_seq
            )
        except Trouble as trouble:
            if not is_fork(trouble):
                raise
            return FORKED
        round_.pushed += max(0, answer.hwm - acked.seq)
        round_.duplicates += max(0, answer.hwm - acked.seq)
        return ""

    def _take_standing(self, revoked: bool, round_: Round) -> None:
        """Believe the proven cloud about what this device may do; a revoked one forgets its members."""
        if revoked != round_.revoked and not self._store.drain_only:
            self._store.run(lambda uow: uow.set_revoked(revoked), priority=Priority.SYNC).result()
            if revoked:
                self._tidy_members(round_)
        round_.revoked = revoked

    def _learn(self, answer: HelloAnswer) -> None:
        """Remember the cloud's keys that count now."""
        if self._store.drain_only:
            return

        def learn(uow: UnitOfWork) -> None:
            if {key.kid: key.key for key in answer.keys} != uow.cloud_keys():
                uow.pin_cloud(uow.identity().timeline, answer.keys)

        self._store.run(learn, priority=Priority.SYNC).result()

    def _keep_timeline(self, standing: _Standing, answer: HelloAnswer) -> None:
        """Remember the cloud's timeline, once its mark is ours.

        Not before: whoever knows a timeline and shows a mark of an older one says that records were lost
        in it, and the cloud would begin yet another.
        """
        if answer.timeline != standing.timeline and not self._store.drain_only:
            self._store.run(
                lambda uow: uow.pin_cloud(answer.timeline, ()), priority=Priority.SYNC
            ).result()

    def _answer_question(self, standing: _Standing) -> None:
        """Let whoever asked before this hello know that by now the timeline is the cloud's."""
        asked = standing.books_asked
        if asked and not self._store.drain_only:
            self._store.run(
                lambda uow: uow.set_state(BOOKS_ANSWERED, asked), priority=Priority.SYNC
            ).result()

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
            timeline=standing.timeline,
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


def _open_question(uow: UnitOfWork) -> str:
    asked = uow.state(BOOKS_ASKED)
    return asked if asked != uow.state(BOOKS_ANSWERED) else ""
