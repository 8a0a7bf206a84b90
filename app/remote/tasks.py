"""The store's tasks of a till, over HTTP."""

from __future__ import annotations

from app.errors import Code, RuleBroken, Trouble
from app.remote.cloud import EnrolledCloud
from app.remote.http import Question
from app.wire.tasks import SETTLED, TaskClaim, TaskRow, TaskSettlement

CLAIMED = "claimed"
"""The cloud's word for what another holds, or nobody can hold any more."""


class CloudTasks:
    """The port `TaskDesk`.

    Raises Trouble when there is no trustworthy answer, and RuleBroken: TASK_TAKEN (`till`, `person`),
    TASK_SETTLED, TASK_CHANGED, TASK_UNKNOWN.
    """

    def __init__(self, cloud: EnrolledCloud) -> None:
        self._cloud = cloud

    def claim(self, asked: TaskClaim) -> TaskRow:
        """Take a task on oneself; the same claim again gets the same answer."""
        return self._ask("/v1/tasks/claim", asked)

    def settle(self, asked: TaskSettlement) -> TaskRow:
        """Settle a task that was claimed; the same settlement again changes nothing."""
        return self._ask("/v1/tasks/settle", asked)

    def _ask(self, path: str, message: TaskClaim | TaskSettlement) -> TaskRow:
        try:
            return self._cloud.ask(Question("POST", path, message), TaskRow)
        except Trouble as trouble:
            if trouble.facts.get("problem") != CLAIMED:
                raise
            raise taken(str(trouble.facts.get("detail", ""))) from trouble


def taken(detail: str) -> RuleBroken:
    """Return what it means that a task is held: the till's number and the person, or that it is settled."""
    if detail == SETTLED:
        return RuleBroken(Code.TASK_SETTLED)
    till, _, person = detail.partition(" ")
    return RuleBroken(Code.TASK_TAKEN, till=till, person=person)
