"""What one round of sync did, as a value for screens, commands and logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.errors import Code, Trouble
from app.wire.messages import SealedPlace


@dataclass(frozen=True, slots=True)
class BooksDifference:
    """One kind of document of one business date that is not the same here and at the cloud.

    More there is what a till shows that came back from a backup; more here must not be.
    """

    business_date: str
    kind: str
    here: tuple[int, int]
    """Documents, and their sum in minor units."""
    there: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SyncReport:
    """One round. `trouble` is the first thing that went wrong; the rest may still have worked.

    `pushed` counts records the cloud holds now and did not confirm before, `duplicates` those of
    them it had received earlier (their answer was lost), `exceptions` those it set aside for a
    person; `sealed` names the places of damaged ones and `given_back` counts whole records that took the
    place of one that another copy of this journal had sent sealed. `epoch` says why another epoch was opened
    (forked, restored, unknown), "" if none was. `books` are business dates on which this till and the
    cloud do not agree. `revoked`: the cloud takes what we send and gives nothing. `pulled` counts rows
    per stream, `snapshots` those that came with snapshots; `mismatched` names streams whose sum was not
    the cloud's. `members_refused` are changes of members that were set aside.
    """

    pushed: int = 0
    duplicates: int = 0
    exceptions: int = 0
    sealed: tuple[int, ...] = ()
    given_back: int = 0
    epoch: str = ""
    books: tuple[BooksDifference, ...] = ()
    revoked: bool = False
    pulled: Mapping[str, int] = field(default_factory=dict)
    snapshots: Mapping[str, int] = field(default_factory=dict)
    mismatched: tuple[str, ...] = ()
    members_sent: int = 0
    members_refused: int = 0
    members_received: int = 0
    said_hello: bool = False
    commands: tuple[str, ...] = ()
    trouble: Trouble | None = None

    @property
    def forked(self) -> bool:
        """The cloud holds another history under our name: only a new epoch can go on."""
        return is_fork(self.trouble)

    @property
    def changed(self) -> bool:
        """Something travelled in either direction."""
        pulled = sum(self.pulled.values()) + sum(self.snapshots.values())
        return bool(self.pushed or pulled or self.members_sent or self.members_received)


@dataclass(slots=True)
class Round:
    """The tally of a round while it runs; `stop` is asked between two requests.

    With a `rest` a backlog leaves gently: in small batches, and between two of them `rest` is called with
    the seconds the last one took.

    `sealed_there` are places the cloud holds only sealed; `owed` of them are whole here and not back yet.
    """

    stop: Callable[[], bool] = lambda: False
    rest: Callable[[float], None] | None = None
    pushed: int = 0
    duplicates: int = 0
    exceptions: int = 0
    sealed: list[int] = field(default_factory=list)
    sealed_there: Sequence[SealedPlace] = ()
    owed: int = 0
    given_back: int = 0
    epoch: str = ""
    books: tuple[BooksDifference, ...] = ()
    revoked: bool = False
    pulled: dict[str, int] = field(default_factory=dict)
    snapshots: dict[str, int] = field(default_factory=dict)
    mismatched: list[str] = field(default_factory=list)
    members_sent: int = 0
    members_refused: int = 0
    members_received: int = 0
    said_hello: bool = False
    commands: tuple[str, ...] = ()
    trouble: Trouble | None = None

    def note(self, trouble: Trouble) -> None:
        """Keep the first trouble; later ones are mostly its consequences."""
        self.trouble = self.trouble or trouble

    def report(self) -> SyncReport:
        """Return the tally as a value."""
        return SyncReport(
            pushed=self.pushed,
            duplicates=self.duplicates,
            exceptions=self.exceptions,
            sealed=tuple(self.sealed),
            given_back=self.given_back,
            epoch=self.epoch,
            books=self.books,
            revoked=self.revoked,
            pulled=dict(self.pulled),
            snapshots=dict(self.snapshots),
            mismatched=tuple(self.mismatched),
            members_sent=self.members_sent,
            members_refused=self.members_refused,
            members_received=self.members_received,
            said_hello=self.said_hello,
            commands=self.commands,
            trouble=self.trouble,
        )


def fork(hwm: int) -> Trouble:
    """Return the trouble of a cloud whose record at `hwm` is not ours.

    The one place where a fork is born: another epoch answers this trouble and no other.
    """
    return Trouble(Code.CLOUD_REFUSED, problem="fork", hwm=hwm)


def is_fork(trouble: Trouble | None) -> bool:
    """Tell whether a trouble is a fork, found here or named by the cloud."""
    return trouble is not None and trouble.facts.get("problem") == "fork"


def is_gap(trouble: Trouble) -> bool:
    """Tell whether the cloud says that records are missing before those we sent: it came back from a
    backup that is older than our mark."""
    return trouble.facts.get("problem") == "gap" and trouble.code is not Code.CLOUD_NOT_OURS


_ONLY_THIS_STEP = frozenset({Code.CLOUD_REFUSED, Code.CLOUD_MESSAGE_INVALID, Code.JOURNAL_BROKEN})


def ends_the_round(trouble: Trouble) -> bool:
    """Tell whether nothing else can work either: no cloud, no store, no right to speak.

    A refused push does not keep prices from coming in, and a bad catalogue page no sale from leaving.
    """
    return trouble.code not in _ONLY_THIS_STEP
