"""Money of a till that goes back by the way it came, over HTTP."""

from __future__ import annotations

from urllib.parse import quote

from app.errors import Trouble
from app.remote.cloud import EnrolledCloud
from app.remote.http import Question
from app.remote.tasks import CLAIMED, taken
from app.wire.refunds import RefundRequest, RefundView


class CloudRefunds:
    """The port `RefundDesk`.

    Raises Trouble when there is no trustworthy answer, and RuleBroken with the cloud's own code when a
    rule of the shop says no.
    """

    def __init__(self, cloud: EnrolledCloud) -> None:
        self._cloud = cloud

    def give_back(self, asked: RefundRequest) -> RefundView:
        """Ask for money to go back; the same number again changes nothing."""
        try:
            return self._cloud.ask(Question("POST", "/v1/refunds", asked), RefundView)
        except Trouble as trouble:
            if trouble.facts.get("problem") != CLAIMED:
                raise
            raise taken(str(trouble.facts.get("detail", ""))) from trouble

    def query(self, number: str) -> RefundView:
        """Ask how a refund stands."""
        return self._cloud.ask(Question("GET", f"/v1/refunds/{quote(number, safe='')}"), RefundView)
