"""A revoked till sends what it has and does nothing new: the one door every job that writes goes by."""

from __future__ import annotations

from app.errors import Code, Trouble
from app.ports import UnitOfWork


def refuse_revoked(uow: UnitOfWork) -> None:
    """Raise Trouble(DEVICE_REVOKED) if the cloud said that this device may only send."""
    if uow.is_revoked():
        raise Trouble(Code.DEVICE_REVOKED)
