"""An exported journal: what was written is read by its cloud alone, and a changed file is no file."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Code, RuleBroken
from app.wire.export import (
    Manifest,
    Part,
    Stretch,
    queue_digest,
    read_export,
    write_export,
)
from app.wire.messages import MemberChange, MembersPush, PushedRecord, PushRequest
from app.wire.upkeep import EpochMark

DEVICE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ESCROW = X25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
MANIFEST = Manifest(
    export_id="x-1",
    tenant="t",
    store="s",
    device="d",
    created_ms=1,
    stretches=[
        Stretch(after=EpochMark(epoch="e", seq=0), last=EpochMark(epoch="e", seq=1, hash="ab"))
    ],
    member_changes=1,
    members=queue_digest(["c"]),
)
PARTS: list[Part] = [
    PushRequest(
        epoch="e",
        prev_hash="00" * 32,
        records=[
            PushedRecord(
                seq=1, rec_id="r", kind="sale", schema_ver=1, hash="ab", header=b"h", body=b"secret"
            )
        ],
        head_sig=b"sig",
    ),
    MembersPush(
        changes=[
            MemberChange(
                change_id="c",
                member_ref="m",
                field="name",
                value="王小明",
                base_revision=0,
                t_ms=1,
            )
        ]
    ),
]


def written(parts: list[Part] = PARTS) -> bytes:
    recipient = ESCROW.public_key().public_bytes_raw()
    return b"".join(write_export(MANIFEST, parts, recipient, DEVICE.private_bytes_raw()))


def read(data: bytes, escrow: X25519PrivateKey = ESCROW, device: Ed25519PrivateKey = DEVICE):
    export = read_export(data)
    export.verify(device.public_key().public_bytes_raw())
    return export.manifest, list(export.parts(escrow))


@pytest.mark.parametrize("parts", [PARTS, PARTS[:1], []])
def test_what_was_written_is_read_in_order(parts):
    assert read(written(parts)) == (MANIFEST, parts)


def test_nobody_but_the_cloud_reads_what_is_in_it():
    data = written()
    assert b"secret" not in data
    assert "王小明".encode() not in data
    assert data.startswith(b"GPEXPORT\x01")
    with pytest.raises(RuleBroken):
        read(data, escrow=X25519PrivateKey.generate())


def test_a_file_of_another_device_is_refused():
    with pytest.raises(RuleBroken) as refused:
        read(written(), device=Ed25519PrivateKey.generate())
    assert refused.value.code is Code.FILE_UNREADABLE


@given(st.data())
def test_a_file_that_was_cut_or_changed_is_refused(data):
    whole = bytearray(written())
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        broken = bytes(whole[:place])
    else:
        whole[place] ^= 1 << data.draw(st.integers(0, 7))
        broken = bytes(whole)
    with pytest.raises(RuleBroken) as refused:
        read(broken)
    assert refused.value.code is Code.FILE_UNREADABLE


def test_no_part_can_be_left_out_or_moved():
    both, first = written(), written(PARTS[:1])
    for broken in (both[: len(both) // 2] + first[-68:], first[:-68] + both[-68:]):
        with pytest.raises(RuleBroken):
            read(broken)
