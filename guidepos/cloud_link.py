"""The one place where a till's own cloud is made from what its store knows. Brings HTTP with it."""

from __future__ import annotations

from app.errors import Code, Trouble
from app.ports import Clock, Store
from app.remote.cloud import EnrolledCloud


def enrolled_cloud(store: Store, clock: Clock) -> EnrolledCloud:
    """Return a till's own cloud. Raises Trouble(DEVICE_NOT_ENROLLED)."""
    identity = store.reader.identity()
    if not identity.enrolled:
        raise Trouble(Code.DEVICE_NOT_ENROLLED)
    device_key, keys = store.run(lambda uow: (uow.device_key(), uow.cloud_keys())).result()
    return EnrolledCloud(
        identity.cloud_url,
        lambda: keys,
        device=identity.device,
        device_key=device_key,
        clock=clock,
    )
