"""Tables on many machines: keys that can be distributed, statements that say their shard, the command
that spreads them (on a stand-in for Citus' functions), and a feed that waits for second phases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from app.wire.messages import MemberRow
from cloud.__main__ import main
from cloud.bootstrap import Cloud, open_cloud
from cloud.db import member_tables, payment_tables, tables
from cloud.db.base import metadata
from cloud.db.columns import key, text
from cloud.db.distribution import (
    BY_MEMBER,
    BY_STORE,
    REASONS,
    REFERENCE,
    Spread,
    across,
    faults,
    role_of,
)
from cloud.services import members
from cloud.services.tokens import DevicePrincipal
from cloud.settings import Settings
from tests.cloud.routing import UnroutedError, judge, judge_text

Info = dict[Any, Any]
STANDIN = Path(__file__).with_name("citus_standin.sql")


# --- the tables -----------------------------------------------------------------------------------


def test_every_table_can_be_distributed_as_it_says() -> None:
    assert faults(metadata) == []


def test_what_happened_lies_by_store_and_who_by_member() -> None:
    groups: dict[str, set[str]] = {}
    for table in metadata.sorted_tables:
        if isinstance(role := role_of(table), Spread):
            groups.setdefault(role.group, set()).add(table.name)
    assert {"journal", "device", "sale", "stock", "payment_money", "order_claim"} < groups["store"]
    assert groups["member"] == {"member", "member_change", "member_alias"}
    assert groups["phone"] == {"member_phone"}


def wrong(*columns: sa.schema.SchemaItem, info: Info = BY_STORE) -> list[str]:
    """Return the faults of a small metadata with a sound `parent` and one more table."""
    some = sa.MetaData()
    sa.Table("parent", some, *key("store_id", "id"), info=BY_STORE)
    sa.Table("copied", some, *key("id"), info=REFERENCE)
    sa.Table("apart", some, *key("member_ref"), info=BY_MEMBER)
    sa.Table("it", some, *columns, info=info)
    return faults(some)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (key("id"), "it has no column store_id"),
        ([*key("id"), text("store_id")], "lacks store_id"),
        ([text("store_id")], "it has no primary key"),
        ([*key("store_id", "id"), text("n"), sa.UniqueConstraint("n")], "lacks store_id"),
        ([*key("store_id", "id"), text("n"), sa.Index("u", "n", unique=True)], "u of it lacks"),
        (
            [*key("store_id", "id"), sa.ForeignKeyConstraint(["id"], ["parent.id"])],
            "it to parent lacks store_id",
        ),
        (
            [*key("store_id", "id"), sa.ForeignKeyConstraint(["id"], ["apart.member_ref"])],
            "it to apart crosses co-location groups",
        ),
    ],
)
def test_a_table_that_cannot_be_distributed_is_found(
    columns: list[sa.schema.SchemaItem], said: str
) -> None:
    (fault,) = wrong(*columns)
    assert said in fault


def test_a_foreign_key_may_lead_to_what_every_node_has_but_not_away_from_it() -> None:
    to_copied = sa.ForeignKeyConstraint(["id"], ["copied.id"])
    assert wrong(*key("store_id", "id"), to_copied) == []
    to_parent = sa.ForeignKeyConstraint(["store_id", "id"], ["parent.store_id", "parent.id"])
    (fault,) = wrong(*key("store_id", "id"), to_parent, info=REFERENCE)
    assert "every node" in fault


def test_a_table_without_a_role_is_found() -> None:
    (fault,) = wrong(*key("store_id", "id"), info={})
    assert fault == "it does not say where its rows lie"


def test_the_columns_of_one_group_have_one_type() -> None:
    types: dict[str, set[str]] = {}
    for table in metadata.sorted_tables:
        if isinstance(role := role_of(table), Spread):
            types.setdefault(role.group, set()).add(str(table.c[role.column].type))
    assert all(len(found) == 1 for found in types.values())


# --- the statements -------------------------------------------------------------------------------

journal, sale, line = tables.journal, tables.sale, tables.sale_line
ALL_SHARDS = [
    sa.select(journal),
    sa.select(journal).where(journal.c.device_id == "d"),
    sa.select(journal).where((journal.c.store_id == "s") | (journal.c.seq == 1)),
    sa.select(journal).where(journal.c.store_id > "s"),
    sa.select(sa.func.count()).select_from(journal),
    sa.select(sa.select(sale.c.total).subquery()),
    sa.select(tables.config, sa.select(sa.func.max(sale.c.total)).scalar_subquery()),
    sa.select(tables.config).where(sa.exists().where(sale.c.sale_id == "x")),
    sa.select(sale).join(line, line.c.sale_id == sale.c.sale_id).where(sale.c.store_id == "s"),
    sa.union_all(
        sa.select(sale.c.total).where(sale.c.store_id == "s"), sa.select(tables.refund.c.total)
    ),
    sa.update(tables.device).values(revoked_ms=1),
    sa.delete(sale).where(sale.c.sale_id == "x"),
    sa.insert(sale).from_select(["sale_id"], sa.select(line.c.sale_id)),
    sa.text("SELECT total FROM sale WHERE store_id = 's'"),
    sa.select(member_tables.member).where(member_tables.member.c.tenant_id == "t"),
    sa.select(payment_tables.attempt).where(payment_tables.attempt.c.attempt_id == "a"),
]


@pytest.mark.parametrize("statement", ALL_SHARDS)
def test_a_statement_that_would_ask_all_machines_is_found(statement: sa.Executable) -> None:
    with pytest.raises(UnroutedError):
        judge(statement, set())


asked = sa.func.unnest(sa.bindparam("ids")).table_valued(sa.column("rec_id", sa.Text))
looked_up = sa.select(journal.c.body).where(journal.c.rec_id == asked.c.rec_id)
ALL_SHARDS.append(sa.select(sa.literal(1)).select_from(asked.join(looked_up.lateral(), sa.true())))

ONE_SHARD = [
    sa.select(sa.literal(1)).select_from(
        asked.join(looked_up.where(journal.c.store_id == sa.bindparam("s")).lateral(), sa.true())
    ),
    sa.select(journal).where(journal.c.store_id == "s", journal.c.seq == 1),
    sa.select(journal).where(journal.c.store_id.in_(["s", "t"])),
    sa.select(sale)
    .join(line, (line.c.store_id == sale.c.store_id) & (line.c.sale_id == sale.c.sale_id))
    .where(sale.c.store_id == "s"),
    sa.update(tables.device).where(tables.device.c.store_id == "s").values(revoked_ms=1),
    sa.insert(sale).values(store_id="s"),
    sa.select(tables.sku).where(tables.sku.c.tenant_id == "t"),
    sa.text("SELECT body FROM config"),
]


@pytest.mark.parametrize("statement", ONE_SHARD)
def test_a_statement_that_names_its_shard_passes(statement: sa.Executable) -> None:
    judge(statement, set())


def test_plain_sql_may_insert_with_the_column_and_do_nothing_else() -> None:
    judge_text('INSERT INTO "journal" ("tenant_id", "store_id") VALUES (1, 2)')
    judge_text("COPY journal (store_id, body) FROM STDIN")
    for sql in ('INSERT INTO "journal" ("tenant_id") VALUES (1)', "SELECT 1 FROM journal"):
        with pytest.raises(UnroutedError):
            judge_text(sql)


def test_only_a_listed_reason_lets_a_statement_ask_everybody(cloud: Cloud) -> None:
    with pytest.raises(KeyError):
        across(sa.select(sale), "because")
    assert all(len(reason.split()) > 3 for reason in REASONS.values())


def test_the_watch_stops_the_clouds_own_statement(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, unrouted: list[UnroutedError]
) -> None:
    """`unsettled` asks all stores and says so; without saying so it does not get through."""
    from cloud.services import overdue

    cloud.db.read(lambda connection: overdue.unsettled(connection, 0, sa.true()))
    monkeypatch.setattr(overdue, "across", lambda statement, reason: statement)
    with pytest.raises(UnroutedError, match="payment_attempt without store_id"):
        cloud.db.read(lambda connection: overdue.unsettled(connection, 0, sa.true()))
    assert len(unrouted) == 1
    unrouted.clear()  # or this test would fail as any other


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def cluster(postgres_url: str) -> Iterator[psycopg.Connection[tuple[str, ...]]]:
    """A PostgreSQL that believes to be the coordinator of a Citus cluster."""
    plain = postgres_url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(STANDIN.read_text("utf-8"))
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET search_path = public, citus_standin")
        connection.execute("INSERT INTO pg_dist_node VALUES (0)")
        yield connection


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main(["distribute", *map(str, arguments)])
    said = capsys.readouterr()
    return status, (said.out + said.err).strip()


def calls(cluster: psycopg.Connection[tuple[str, ...]]) -> list[str]:
    return [said for (said,) in cluster.execute("SELECT said FROM calls ORDER BY no")]


@pytest.mark.postgres
def test_every_table_gets_its_place_once(cluster, postgres_url, tmp_path, capsys) -> None:
    data = ("--data", tmp_path, "--db", postgres_url)
    status, said = run(capsys, *data, "--shards", 64, "--json")
    assert (status, json.loads(said)["citus"]) == (0, "12.1-1")
    made = calls(cluster)
    assert sorted(call.split()[0] for call in made) == sorted(
        t.name for t in metadata.tables.values()
    )
    placed = {call.split()[0]: call for call in made}
    assert placed["sku"] == "sku everywhere"
    founders = {call.split()[2]: call.split()[0] for call in made if call.endswith("with none")}
    assert set(founders) == {"store_id", "member_ref", "phone", "account"}
    assert placed["sale"] == f"sale by store_id with {founders['store_id']}"
    assert placed["member_alias"] == "member_alias by alias_ref with member"
    copied = [call for call in made if call.endswith("everywhere")]
    assert made[: len(copied)] == copied  # before whatever may refer to them
    status, said = run(capsys, *data)
    assert (status, said) == (0, "Citus 12.1-1: every table is where it belongs")
    assert calls(cluster) == made


@pytest.mark.postgres
def test_foreign_keys_and_guards_are_there_afterwards(
    cluster, postgres_url, tmp_path, capsys
) -> None:
    query = """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'
        UNION ALL SELECT tgname, '' FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"""
    before = cluster.execute(query).fetchall()
    run(capsys, "--data", tmp_path, "--db", postgres_url)
    assert cluster.execute(query).fetchall() == before
    assert len(before) == 12


@pytest.mark.postgres
def test_a_table_that_came_later_joins_its_group(cluster, postgres_url, tmp_path, capsys) -> None:
    data = ("--data", tmp_path, "--db", postgres_url)
    run(capsys, *data)
    cluster.execute("DELETE FROM pg_dist_partition WHERE logicalrelid = 'commission'::regclass")
    cluster.execute("DELETE FROM pg_dist_partition WHERE logicalrelid = 'member'::regclass")
    assert run(capsys, *data) == (0, "Citus 12.1-1: distributed commission, member")
    sale, who = calls(cluster)[-2:]
    assert sale.startswith("commission by store_id with ")
    assert not sale.endswith("with none")
    assert who == "member by member_ref with member_alias"


@pytest.mark.postgres
def test_nothing_is_done_halfway(cluster, postgres_url, tmp_path, capsys) -> None:
    cluster.execute("CREATE UNIQUE INDEX too_wide ON sale (receipt_no)")
    data = ("--data", str(tmp_path), "--db", postgres_url)
    with pytest.raises(sa.exc.DBAPIError, match="too_wide"):
        main(["distribute", *data])
    assert calls(cluster) == []


@pytest.mark.postgres
def test_a_cluster_that_does_not_know_its_coordinator_is_refused(
    cluster, postgres_url, tmp_path, capsys
) -> None:
    cluster.execute("DELETE FROM pg_dist_node")
    status, said = run(capsys, "--data", tmp_path, "--db", postgres_url)
    assert status == 1
    assert "citus_set_coordinator_host" in said
    assert calls(cluster) == []


def test_without_citus_it_says_so(settings: Settings, capsys) -> None:
    data = ("--data", settings.data, *(["--db", settings.db_url] if settings.db_url else []))
    status, said = run(capsys, *data)
    assert (status, "Citus is not installed" in said) == (0, True)
    assert run(capsys, *data, "--require")[0] == 1
    assert run(capsys, *data, "--json") == (0, '{"citus": null, "distributed": []}')


# --- the feed -------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_a_member_whose_second_phase_is_outstanding_is_not_passed_by(
    cluster, postgres_url, tmp_path, capsys
) -> None:
    run(capsys, "--data", tmp_path, "--db", postgres_url)
    cloud = open_cloud(Settings(data=tmp_path, db_url=postgres_url))
    tenant = cloud.db.read(lambda c: c.scalar(sa.select(tables.tenant.c.tenant_id))) or ""
    asking = DevicePrincipal(tenant, "S001", "d", "01", b"", False)

    def put(ref: str, gid: str = "") -> None:
        with cloud.db.begin() as connection:
            members.put_members(connection, tenant, [MemberRow(member_ref=ref, revision=1)])
            if gid:  # what Citus notes on the coordinator before a second phase
                note = "INSERT INTO pg_dist_transaction VALUES (1, :gid)"
                connection.execute(sa.text(note), {"gid": gid})

    def pull(cursor: str) -> tuple[list[str], str]:
        page = cloud.db.read(lambda c: members.pull(c, asking, cursor, 10, now_ms=0))
        return [row.member_ref for row in page.rows], page.cursor

    put("m1", "citus_done")
    cluster.execute("INSERT INTO prepared_on_workers VALUES ('citus_late')")
    put("m2", "citus_late")
    put("m3")
    seen, cursor = pull("")
    assert seen == ["m1"]
    cluster.execute("DELETE FROM prepared_on_workers")
    assert pull(cursor)[0] == ["m2", "m3"]
    cloud.close()
