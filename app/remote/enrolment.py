"""First contact with a cloud: its keys, and the exchange of a one-time code for an identity."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from app.errors import Code, Trouble
from app.remote.http import CloudHttp, Question
from app.wire.messages import UNREADABLE, EnrolAnswer, EnrolRequest, KeySet


class CloudEnrolment:
    """The port `Enrolment`. Trusts on first use: the keys that vouch for the first answer are the
    ones it holds, read over TLS; from then on only those keys are believed."""

    def __init__(self, base_url: str) -> None:
        self._http = _FirstContact(base_url)

    def keys(self) -> KeySet:
        """Return the cloud's keys and hold on to them. Raises Trouble."""
        answer = self._http.ask(Question("GET", "/v1/keys")).read(KeySet)
        self._http.pinned = signing_keys(answer)
        return answer

    def enrol(self, request: EnrolRequest) -> EnrolAnswer:
        """Use the code. Raises Trouble: ENROL_CODE_INVALID, CLOUD_NOT_OURS if the keys differ from
        those the store's key was sealed for."""
        answer = self._http.ask(Question("POST", "/v1/enrol", request)).read(EnrolAnswer)
        if signing_keys(answer.keys) != self._http.pinned:
            raise Trouble(Code.CLOUD_NOT_OURS, retryable=True, detail="keys differ")
        return answer


class _FirstContact(CloudHttp):
    """Believes an answer that vouches for itself, until keys are pinned."""

    def __init__(self, base_url: str) -> None:
        self.pinned: dict[str, bytes] = {}
        super().__init__(base_url, lambda: self.pinned)

    def vouchers(self, content: bytes) -> Mapping[str, bytes]:
        """Return the pinned keys, before that the ones in the answer itself."""
        if self.pinned:
            return self.pinned
        try:
            return signing_keys(msgspec.json.decode(content, type=KeySet))
        except UNREADABLE:
            return {}


def signing_keys(keys: KeySet) -> dict[str, bytes]:
    """Return the signing keys of a set by key id, as they are pinned."""
    return {key.kid: key.key for key in keys.signing}
