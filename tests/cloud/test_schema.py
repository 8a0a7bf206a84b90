"""The database's form: migrations and tables agree on both engines, keys are kept apart."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import sqlite

from app.errors import Code, Trouble
from cloud.bootstrap import Cloud, open_cloud
from cloud.db import tables
from cloud.db.base import metadata
from cloud.db.kept import ANY_OF
from cloud.db.member_tables import member_phone
from cloud.settings import Settings


def test_migrations_lead_to_the_tables_as_written(cloud: Cloud) -> None:
    with cloud.db.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_no_key_of_a_fact_forgets_whose_it_is() -> None:
    facts = (
        tables.journal, tables.exception, tables.sale, tables.sale_line, tables.refund,
        tables.refund_line, tables.tender, tables.stock_movement, tables.commission,
        tables.stock_adjustment, tables.payment_step, tables.stock, tables.device,
        tables.device_epoch,
    )  # fmt: skip
    for table in facts:
        uniques = [list(table.primary_key.columns.keys())]
        uniques += [list(index.columns.keys()) for index in table.indexes if index.unique]
        for columns in uniques:
            assert columns[:2] == ["tenant_id", "store_id"], table.name


def test_the_embedded_file_is_encrypted_and_its_keys_are_private(tmp_path: Path) -> None:
    cloud = open_cloud(Settings(data=tmp_path / "c"))
    cloud.close()
    file = tmp_path / "c" / "cloud.db"
    assert not file.read_bytes().startswith(b"SQLite format")
    assert b"device_epoch" not in file.read_bytes()
    for private in (file.with_name("cloud.db.key"), tmp_path / "c" / "keys.json"):
        assert stat.S_IMODE(private.stat().st_mode) == 0o600


def test_keys_that_came_back_from_a_backup_open_to_others_are_closed(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    open_cloud(settings).close()
    private = [tmp_path / "cloud.db.key", tmp_path / "keys.json"]
    for file in private:
        file.chmod(0o644)
    open_cloud(settings).close()
    assert {stat.S_IMODE(file.stat().st_mode) for file in private} == {0o600}


def test_errors_of_the_database_say_nothing_about_people(cloud: Cloud) -> None:
    def twice(connection: sa.Connection) -> None:
        values = {"tenant_id": "t", "phone": "13800138000", "member_ref": "m"}
        for _ in range(2):
            connection.execute(sa.insert(member_phone).values(values))

    with pytest.raises(sa.exc.IntegrityError) as caught:
        cloud.db.write(twice)
    said = str(caught.value).replace("Key (tenant_id, phone)=(t, 13800138000)", "")
    assert "13800138000" not in said


def test_a_lost_key_is_an_error_and_never_a_new_key(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    open_cloud(settings).close()
    (tmp_path / "cloud.db.key").unlink()
    with pytest.raises(Trouble) as caught:
        open_cloud(settings)
    assert caught.value.code is Code.STORE_KEY_MISSING
    assert not (tmp_path / "cloud.db.key").exists()


def test_a_library_that_may_spoil_the_file_does_not_open_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sqlcipher3.dbapi2.sqlite_version_info", (3, 51, 2))
    with pytest.raises(Trouble) as caught:
        open_cloud(Settings(data=tmp_path))
    assert caught.value.code is Code.SQLITE_UNFIT
    assert not (tmp_path / "cloud.db").exists()


def test_a_closed_database_takes_no_more_work(tmp_path: Path) -> None:
    cloud = open_cloud(Settings(data=tmp_path))
    cloud.close()
    with pytest.raises(Trouble):
        cloud.db.read(lambda connection: connection.scalar(sa.select(1)))
    cloud.close()


def test_a_broken_transaction_leaves_nothing(cloud: Cloud) -> None:
    def fail(connection: sa.Connection) -> None:
        connection.execute(sa.update(tables.tenant).values(name="changed"))
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - ours, from two lines above
        cloud.db.write(fail)
    query = sa.select(tables.tenant.c.name)
    assert cloud.db.read(lambda connection: connection.scalar(query)) == ""


def test_servers_that_start_at_once_agree_on_keys_and_tenant(settings: Settings) -> None:
    with ThreadPoolExecutor(3) as pool:
        clouds = list(pool.map(lambda _: open_cloud(settings), range(3)))
    query = sa.select(tables.tenant.c.tenant_id)
    for cloud in clouds:
        assert cloud.keys.published() == clouds[0].keys.published()
        assert len(cloud.db.read(lambda connection: connection.scalars(query).all())) == 1
        cloud.close()


def test_a_push_looks_ids_up_in_the_index_of_the_embedded_engine(tmp_path: Path) -> None:
    cloud = open_cloud(Settings(data=tmp_path / "c"))
    query = str(
        ANY_OF.params(tenant="t", store="s", ids=["a", "b"]).compile(
            dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
        )
    )
    with cloud.db.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    cloud.close()
    assert all("uq_journal_rec_id" in row[3] for row in plan), plan
