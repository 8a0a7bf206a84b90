"""The journal, reference and members of a till, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from app.errors import Code, RuleBroken, Trouble
from app.remote.cloud import EnrolledCloud
from app.remote.http import M, Question
from app.wire.messages import (
    HelloAnswer,
    HelloRequest,
    MemberChange,
    MembersPage,
    MembersPush,
    MembersPushAnswer,
    PullAnswer,
    PushAnswer,
    PushRequest,
)
from app.wire.snapshot import SnapshotBegin, SnapshotChunk
from app.wire.upkeep import BooksAnswer, EpochAnswer, EpochRequest


class CloudSync:
    """The port `SyncTransport`. Raises Trouble for everything that fails; see `remote.refusal`."""

    def __init__(self, cloud: EnrolledCloud) -> None:
        self._cloud = cloud

    def hello(self, request: HelloRequest) -> HelloAnswer:
        """Say where we stand and hear where the cloud does."""
        return self._ask(Question("POST", "/v1/sync/hello", request), HelloAnswer)

    def push(self, request: PushRequest) -> PushAnswer:
        """Send a batch of records, compressed."""
        return self._ask(Question("POST", "/v1/sync/push", request, compress=True), PushAnswer)

    def new_epoch(self, request: EpochRequest) -> EpochAnswer:
        """Ask for another epoch of this till's journal."""
        return self._ask(Question("POST", "/v1/sync/epoch", request), EpochAnswer)

    def books(self, since: str) -> BooksAnswer:
        """Ask what is on the cloud's books from this till, from a business date on."""
        return self._ask(Question("GET", "/v1/sync/books", params={"since": since}), BooksAnswer)

    def pull(
        self, stream: str, cursor: str, limit: int, *, check: bool = False, epoch: str = ""
    ) -> PullAnswer:
        """Ask for the page of a reference stream after a cursor, "" for the first; stock figures name the
        record of our `epoch` up to which they count."""
        params = {"stream": stream, **_paging(cursor, limit, check), **_counting(epoch)}
        return self._ask(Question("GET", "/v1/sync/pull", params=params), PullAnswer)

    def push_members(self, changes: Sequence[MemberChange]) -> MembersPushAnswer:
        """Send changes to members."""
        body = MembersPush(changes=list(changes))
        return self._ask(Question("POST", "/v1/members/push", body), MembersPushAnswer)

    def pull_members(self, cursor: str, limit: int, *, check: bool = False) -> MembersPage:
        """Ask for the page of members after a cursor, "" for the first."""
        params = _paging(cursor, limit, check)
        return self._ask(Question("GET", "/v1/members/pull", params=params), MembersPage)

    def begin_snapshot(self, stream: str) -> SnapshotBegin:
        """Ask where a snapshot of a stream begins."""
        question = Question("GET", "/v1/snapshot/begin", params={"stream": stream})
        return self._ask(question, SnapshotBegin)

    def snapshot_chunk(
        self, stream: str, after: str, limit: int, *, epoch: str = ""
    ) -> SnapshotChunk:
        """Ask for the rows of a stream after a key, "" for the first; `epoch` as in `pull`."""
        place: dict[str, str | int] = {"stream": stream, "after": after, "limit": limit}
        params = place | _counting(epoch)
        return self._ask(Question("GET", "/v1/snapshot/chunk", params=params), SnapshotChunk)

    def _ask(self, question: Question, shape: type[M]) -> M:
        try:
            return self._cloud.ask(question, shape)
        except RuleBroken as broken:
            # Nobody at the till can mend a rule that stands between two machines.
            status, problem = broken.facts.get("status"), broken.code.value
            raise Trouble(Code.CLOUD_REFUSED, status=status, problem=problem) from broken


def _paging(cursor: str, limit: int, check: bool) -> dict[str, str | int]:
    return {"cursor": cursor, "limit": limit, **({"check": "true"} if check else {})}


def _counting(epoch: str) -> dict[str, str]:
    return {"epoch": epoch} if epoch else {}
