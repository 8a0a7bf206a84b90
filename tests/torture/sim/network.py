"""The line between tills and cloud: it loses, doubles, delays and reorders, and strangers answer on it.

What travels are the real bytes; what becomes of them is drawn from the generator of the running step.
A held request is delivered later, whole, to a cloud that may have changed since.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from app.errors import Code, Trouble
from app.remote.http import M, Proven, Question, not_ours
from tests.torture.sim.cloud import Answer, Request, SimCloud
from tests.torture.sim.store import Killed

MOST_HELD = 12


class Fate(StrEnum):
    """What becomes of a request."""

    THROUGH = "through"
    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    ANSWER_SLOW = "answer too slow"
    TWICE = "delivered twice"
    HELD = "held"
    OVERTAKEN = "overtaken by a held one"
    BUSY = "refused as busy"
    FAILED = "failed"
    STRANGER = "answered by a stranger"
    EXPIRED = "token expired"
    KILLED = "till killed before the answer"


FAULTS = tuple(fate for fate in Fate if fate is not Fate.THROUGH)


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the line is: the share of requests that do not simply go through, and what then."""

    share: float = 0.0
    fates: tuple[Fate, ...] = FAULTS


FINE = Weather()


@dataclass(slots=True)
class Network:
    """All lines of a world."""

    cloud: SimCloud
    draw: random.Random = field(default_factory=random.Random)
    weather: Weather = FINE
    held: list[Request] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)

    def carry(self, request: Request) -> Answer:
        """Bring a request to the cloud and its answer back. Raises Trouble and Killed."""
        fate = self._fate()
        if fate is not Fate.THROUGH:
            self.faults[fate.value] += 1
        match fate:
            case Fate.REQUEST_LOST:
                raise _unreachable()
            case Fate.HELD:
                self._hold(request)
                raise _unreachable(slow=True)
            case Fate.BUSY | Fate.FAILED | Fate.STRANGER | Fate.EXPIRED:
                return self._not_served(fate)
            case Fate.OVERTAKEN:
                self.deliver(1)
        answer = self.cloud.serve(request)
        match fate:
            case Fate.ANSWER_LOST:
                raise _unreachable()
            case Fate.ANSWER_SLOW:
                raise _unreachable(slow=True)
            case Fate.KILLED:
                raise Killed
            case Fate.TWICE:
                return self.cloud.serve(request)
        return answer

    def deliver(self, most: int) -> int:
        """Bring up to `most` held requests to the cloud, in any order; nobody hears the answers."""
        self.draw.shuffle(self.held)
        now, self.held = self.held[:most], self.held[most:]
        for request in now:
            self.cloud.serve(request)
        return len(now)

    def _fate(self) -> Fate:
        if self.draw.random() >= self.weather.share:
            return Fate.THROUGH
        return self.draw.choice(self.weather.fates)

    def _hold(self, request: Request) -> None:
        self.held.append(request)
        del self.held[:-MOST_HELD]

    def _not_served(self, fate: Fate) -> Answer:
        match fate:
            case Fate.BUSY:
                wait_s = self.draw.choice((1, 5, 60, 900))
                return Answer(self.draw.choice((429, 503)), b"{}", {"Retry-After": str(wait_s)})
            case Fate.EXPIRED:
                return Answer(401, msgspec.json.encode({"code": Code.TOKEN_EXPIRED.value}))
            case Fate.STRANGER:
                raise not_ours(self.draw.choice((200, 302, 403, 409, 422)))
            case _:
                return Answer(self.draw.choice((500, 502, 504)), b'{"code":"bug"}')


@dataclass(slots=True)
class Line:
    """What an enrolled cloud is to one till: asked like `EnrolledCloud`, on a line that may be bad."""

    network: Network
    device: str = ""

    def ask(self, question: Question, shape: type[M]) -> M:
        """Send one request and return the answer. Raises Trouble, RuleBroken and Killed."""
        body = b"" if question.body is None else msgspec.json.encode(question.body)
        params = {name: str(value) for name, value in (question.params or {}).items()}
        answer = self.network.carry(Request(self.device, question.path, body, params))
        return Proven(answer.status, answer.headers, answer.body).read(shape)


def _unreachable(*, slow: bool = False) -> Trouble:
    facts = {"timeout": True} if slow else {"detail": "lost"}
    return Trouble(Code.CLOUD_UNREACHABLE, retryable=True, **facts)
