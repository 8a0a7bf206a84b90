"""The one place where a till's own cloud is made from what its store knows. Brings HTTP with it."""

from __future__ import annotations

from app.errors import Code, Trouble
from app.ports import Clock, Priority, Store
from app.remote.cloud import EnrolledCloud


def enrolled_cloud(store: Store, clock: Clock) -> EnrolledCloud:
    """Return a till's own cloud. Raises Trouble(DEVICE_NOT_ENROLLED)."""
    identity = store.reader.identity()
    if not identity.enrolled:
        raise Trouble(Code.DEVICE_NOT_ENROLLED)

    def keys() -> dict[str, bytes]:
        # Asked at every answer, so that a key the cloud announced counts without a restart.
        return store.run(lambda uow: uow.cloud_keys(), priority=Priority.SYNC).result()

    return EnrolledCloud(
        identity.cloud_url,
        keys,
        device=identity.device,
        device_key=store.run(lambda uow: uow.device_key()).result(),
        clock=clock,
    )
