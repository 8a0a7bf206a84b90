"""How a service says no to a request. Statuses and words are those `app.wire.messages` names."""

from __future__ import annotations

from app.wire.messages import Problem


class Refused(Exception):  # noqa: N818 - says what happened, like RuleBroken and Trouble
    """A request is answered with a `Problem` and nothing was changed."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        hwm: int = 0,
        hwm_hash: str = "",
        retry_after_s: int = 0,
        server_ms: int = 0,
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.problem = Problem(
            code=str(code), detail=detail, hwm=hwm, hwm_hash=hwm_hash, server_ms=server_ms
        )
        self.retry_after_s = retry_after_s
