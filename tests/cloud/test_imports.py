"""Exported journals come in as pushes do: once, in order, with the same verdicts, whatever we hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.errors import RuleBroken
from app.wire.export import Manifest, Part, queue_digest, write_export
from app.wire.journal import Record
from app.wire.messages import MembersPush, PullAnswer
from cloud.__main__ import main
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.db.member_tables import member
from cloud.errors import Refused
from cloud.services.imports import Imported, import_journal
from tests.cloud.books import count, exceptions, on_hand
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device, a_sale
from tests.cloud.test_members import joining
from tests.cloud.test_quarantine import revoke, settle, verdicts
from tests.cloud.tillside import told


def exported(device: Device, *parts: Part, export_id: str = "") -> bytes:
    manifest = Manifest(
        export_id=export_id or new_id(),
        tenant=device.me.tenant,
        store=device.me.store,
        device=device.me.device,
        created_ms=1,
        stretches=[],
        member_changes=0,
        members=queue_digest([]),
    )
    recipient = device.me.keys.escrow.key
    return b"".join(write_export(manifest, parts, recipient, device.key.private_bytes_raw()))


def taken(cloud: Cloud, data: bytes) -> Imported:
    return import_journal(cloud.db, cloud.keys.escrow, data, now_ms=cloud.clock())


def sell(device: Device, number: int) -> list[Record]:
    return [device.write("sale", a_sale()) for _ in range(number)]


def batches(device: Device, records: Sequence[Record], size: int = 2) -> list[Part]:
    starts = range(0, len(records), size)
    return [device.batch(list(records[start : start + size])) for start in starts]


def test_what_a_till_could_not_send_comes_in_once(cloud: Cloud, device: Device) -> None:
    sell(device, 2)
    device.push()
    data = exported(device, *batches(device, sell(device, 3)))
    assert taken(cloud, data).verdicts == {"applied": 3}
    assert (count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (5, -5)
    assert taken(cloud, data).verdicts == {"duplicate": 3}
    answer = device.push(device.records)  # the till comes back after all
    assert answer.hwm == 5
    assert count(cloud, tables.sale) == 5


def test_behind_a_gap_nothing_is_lost_and_nothing_doubled(cloud: Cloud, device: Device) -> None:
    """A cloud that came back from a backup lacks records before those in the file."""
    sold = sell(device, 6)
    device.push(sold[:1])
    data = exported(device, *batches(device, sold[3:]))
    first = taken(cloud, data)
    assert first.verdicts == {"applied": 3}
    assert first.chains == [device.me.epoch]
    again = taken(cloud, data)
    assert again.verdicts == {"duplicate": 3}
    assert count(cloud, tables.sale) == 4
    late = device.push(sold)
    assert [result.verdict for result in late.results].count("duplicate") == 4
    assert (late.hwm, count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (6, 6, -6)
    stock = device.get("/v1/sync/pull", PullAnswer, stream="stock")
    assert (stock.applied_epoch, stock.applied_seq) == (device.me.epoch, 6)


def test_another_history_is_kept_beside_ours(cloud: Cloud, device: Device) -> None:
    sell(device, 2)
    device.push()
    device.seq, device.hash, device.records = 0, b"", []
    data = exported(device, *batches(device, sell(device, 3)))
    assert taken(cloud, data).chains == [device.me.epoch]
    assert taken(cloud, data).verdicts == {"duplicate": 3}
    assert count(cloud, tables.sale) == 5


def test_an_epoch_we_never_opened_is_kept_too(cloud: Cloud, device: Device) -> None:
    device.me = msgspec.structs.replace(device.me, epoch="00" * 8)
    data = exported(device, *batches(device, sell(device, 1)))
    assert taken(cloud, data).verdicts == {"applied": 1}


def test_changes_of_members_come_along(cloud: Cloud, device: Device) -> None:
    push = MembersPush(changes=[joining("m-1", name="王小明", phone="13812345678")])
    data = exported(device, push)
    assert taken(cloud, data).members == {"applied": 1}
    taken(cloud, data)
    assert count(cloud, member) == 1


def test_a_change_that_is_refused_keeps_no_other_out(cloud: Cloud, device: Device) -> None:
    names = [joining(f"m-{n}", name="王小明", phone=f"1381234567{n}") for n in range(5)]
    names[3] = msgspec.structs.replace(names[3], t_ms=2**63)
    data = exported(device, *batches(device, sell(device, 1)), MembersPush(changes=names))
    for verdict in ("applied", "duplicate"):
        result = taken(cloud, data)
        assert result.verdicts == {verdict: 1}
        assert result.members == {verdict: 4, "refused": 1}
    assert count(cloud, member) == 4


def test_a_revoked_device_is_kept_aside_and_changes_no_person(cloud: Cloud, device: Device) -> None:
    with cloud.db.begin() as connection:
        connection.execute(sa.update(tables.device).values(revoked_ms=1))
    push = MembersPush(changes=[joining("m-1", name="王小明")])
    result = taken(cloud, exported(device, *batches(device, sell(device, 2)), push))
    assert result.verdicts == {"accepted_unprojected": 2}
    assert result.members == {"refused": 1}
    assert (count(cloud, tables.journal), count(cloud, tables.sale)) == (2, 0)
    assert count(cloud, member) == 0


def test_what_a_revoked_till_sold_behind_a_gap_goes_on_the_books_when_released(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    other = enrol()
    sold = sell(device, 5)
    damaged = device.write("sale", b"not json", rec_id="poison")
    device.push(sold[:1])
    revoke(cloud, device)
    data = exported(device, *batches(device, [*sold[3:], damaged]))
    assert taken(cloud, data).chains == [device.me.epoch]
    (task,) = told(other)
    assert (task.detail, count(cloud, tables.sale)) == ("3", 1)
    settle(other, task, "released")
    assert (count(cloud, tables.sale), on_hand(cloud, "SKU-1")) == (3, -3)
    assert verdicts(cloud) == ["applied"] * 3 + ["accepted_exception"]
    with cloud.db.reading() as conn:
        (flagged,) = conn.execute(sa.select(tables.exception)).all()
        kept = sa.select(tables.journal.c.epoch).where(tables.journal.c.rec_id == "poison")
        assert flagged.epoch == conn.scalar(kept)


def test_a_file_that_is_not_believed_leaves_nothing(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    stranger = enrol("S002")
    sold = sell(device, 2)
    bad = device.batch(sold[1:])
    bad = msgspec.structs.replace(bad, head_sig=b"\0" * 64)
    with pytest.raises(Refused):
        taken(cloud, exported(device, device.batch(sold[:1]), bad))
    good = exported(device, *batches(device, sold))
    device.key, key = stranger.key, device.key
    forged = exported(device, *batches(device, sold))
    device.key = key
    with pytest.raises(RuleBroken):
        taken(cloud, forged)
    with pytest.raises(RuleBroken):
        taken(cloud, good[:-1])
    device.me = msgspec.structs.replace(device.me, device="nobody")
    with pytest.raises(Refused):
        taken(cloud, exported(device))
    assert count(cloud, tables.journal) == 0
    assert exceptions(cloud) == []


def test_the_command_takes_a_file(cloud: Cloud, device: Device, tmp_path: Path, capsys) -> None:
    settings = cloud.settings
    where = ["--data", str(settings.data), *(["--db", settings.db_url] if settings.db_url else [])]
    file = tmp_path / "journal.gpexport"
    file.write_bytes(exported(device, *batches(device, sell(device, 2))))
    assert main(["import-journal", *where, str(file), "--json"]) == 0
    told = msgspec.json.decode(capsys.readouterr().out)
    assert told["records"] == {"applied": 2}
    file.write_bytes(b"something else")
    assert main(["import-journal", *where, str(file)]) == 1
