"""What a till may do changes in the middle of a run: its token ends, its cloud signs with another key, it is
revoked, or two of its own threads sync at once. Nothing is lost and nobody restarts anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.ids import new_id
from app.errors import Code, Trouble
from app.remote.payments import CloudPayments
from app.wire.messages import Order, PaymentIntent, Problem
from app.wire.tokens import NONCE_HEADER, PROOF_HEADER, OrderToken, new_nonce, order_hash
from cloud.db import payment_tables, tables
from cloud.services import keys as cloud_keys
from tests.cloud.paying import COAT
from tests.torture.proxy import toxics
from tests.torture.proxy.line import Asked, Exchange, Toxic, pass_on
from tests.torture.proxy.shop import Shop, Till, connected, engine_of, open_shop
from tests.torture.proxy.toxics import http
from tests.torture.tally import Tally


@pytest.fixture(scope="module")
def busy_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A cloud that many tests share, each with a till of its own."""
    with open_shop(tmp_path_factory.mktemp("busy")) as opened:
        yield opened


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("standing")) as opened:
        yield opened


@pytest.fixture
def till(shop: Shop) -> Till:
    return shop.till()


def judged(shop: Shop, till: Till) -> None:
    tally = Tally("proxy")
    shop.judge(till, tally)
    assert tally.is_clean, tally
    assert shop.bugs == []


def in_small_batches(till: Till) -> None:
    """Let the till send few records at a time, so that something can happen between two batches."""
    till.engine._journal.batch = 2  # the size a slow line would have left it with


def refuse_pushes(code: str, *, times: int, status: int = 401) -> Toxic:
    """Return a toxic that refuses so many pushes in our own cloud's name and then lets all through."""
    left = [times]

    def refuse(exchange: Exchange) -> None:
        if not exchange.asked.path.endswith("/sync/push") or not left[0]:
            return pass_on(exchange)
        left[0] -= 1
        body = msgspec.json.encode(Problem(code=code))
        proof = exchange.line.prove(exchange.asked.header(NONCE_HEADER), status, body)
        return exchange.say(http(status, body, headers={PROOF_HEADER: proof}))

    return refuse


def every(toxic: Toxic):
    return lambda asked: toxic


@pytest.mark.fault(21, "nothing: another token is fetched")
def test_a_token_that_ends_between_two_batches_is_replaced(shop: Shop, till: Till) -> None:
    till.work(6)
    till.sync(hello=True, pull=False)
    till.work(6)
    in_small_batches(till)
    shop_secret = shop.cloud.keys.token_secret
    pushes = [0]

    def forget_tokens(asked: Asked) -> Toxic:
        if asked.path.endswith("/sync/push"):
            pushes[0] += 1
            if pushes[0] == 3:
                shop.cloud.keys.token_secret = bytes(32)  # every token given so far is void
        return pass_on

    till.line.choose = forget_tokens
    report = till.sync(hello=False, pull=False)
    assert report.trouble is None
    assert pushes[0] > 3
    tokens = [asked for asked in till.line.seen if asked.path == "/v1/token"]
    assert len(tokens) == 2
    assert shop_secret != shop.cloud.keys.token_secret
    assert till.drain().trouble is None
    judged(shop, till)


@pytest.mark.fault(21, "the chip counts what waits; it is sent by itself")
def test_a_cloud_that_takes_no_token_is_tried_again_later(shop: Shop, till: Till) -> None:
    till.work(4)
    till.line.choose = every(refuse_pushes("token_expired", times=2))
    report = till.sync()
    assert report.trouble is not None
    assert report.trouble.retryable
    assert till.store.reader.identity().enrolled
    assert till.drain().trouble is None
    judged(shop, till)


@pytest.mark.fault(21, "nothing: the cloud announced its next key before it used it")
def test_the_cloud_signs_with_its_next_key_in_the_middle_of_a_run(shop: Shop, till: Till) -> None:
    """Three keys in a row: the second is known since enrolment, the third since the last hello."""
    signing = shop.cloud.keys._signing
    till.work(6)
    assert till.sync().trouble is None
    in_small_batches(till)
    till.work(6)
    pushes = [0]

    def rotate(asked: Asked) -> Toxic:
        if asked.path.endswith("/sync/push"):
            pushes[0] += 1
            if pushes[0] == 2:
                signing.pop(0)
                fresh = Ed25519PrivateKey.generate()
                entry = cloud_keys._Key(f"s{new_id()[-8:]}", fresh.private_bytes_raw())
                signing.append((entry, fresh))
        return pass_on

    till.line.choose = rotate
    assert till.sync(hello=False, pull=False).trouble is None
    till.line.choose = every(pass_on)
    assert till.sync().trouble is None  # the hello that tells of the third key
    signing.pop(0)
    till.work(2)
    assert till.sync(hello=False, pull=False).trouble is None
    assert till.drain().trouble is None
    judged(shop, till)


@pytest.mark.fault(21, "revoked: nothing new is sold here; what was sold still reaches the cloud")
def test_a_till_revoked_between_two_batches_keeps_and_sends_what_it_has(
    shop: Shop, till: Till
) -> None:
    till.work(6)
    in_small_batches(till)
    pushes = [0]

    def revoke(asked: Asked) -> Toxic:
        if asked.path.endswith("/sync/push"):
            pushes[0] += 1
            if pushes[0] == 3:
                change = sa.update(tables.device).values(revoked_ms=1)
                shop.cloud.db.write(lambda connection: connection.execute(change))
        return pass_on

    till.line.choose = revoke
    report = till.sync()
    assert report.trouble is None or report.trouble.code is Code.DEVICE_REVOKED
    for _ in range(3):
        till.sync()
    assert till.store.reader.sync_status().unsent == 0
    assert till.store.verify_journal() is None
    assert till.store.reader.identity().enrolled
    query = sa.select(tables.journal.c.rec_id)
    ids: list[str] = shop.cloud.db.read(lambda connection: list(connection.scalars(query)))
    assert sorted(ids) == sorted(till.facts)


@pytest.mark.fault(15, "nothing: both send, every sale stands once")
@pytest.mark.parametrize("toxic", [pass_on, toxics.latency, toxics.lost_ack, toxics.doubled])
def test_two_sync_workers_at_once_double_nothing(shop: Shop, till: Till, toxic: Toxic) -> None:
    till.work(20)
    in_small_batches(till)
    other = engine_of(till.store, till.line.url, till.clock)
    other._journal.batch = 3
    till.line.choose = every(toxic)
    start, troubles = threading.Barrier(2), []

    def sync(engine) -> None:
        start.wait(30)
        for _ in range(4):
            troubles.append(engine.run().trouble)

    threads = [threading.Thread(target=sync, args=(engine,)) for engine in (till.engine, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert len(troubles) == 8
    till.line.heal()
    assert till.drain().trouble is None
    judged(shop, till)


def an_intent(till: Till, key: Ed25519PrivateKey) -> PaymentIntent:
    now_ms = till.clock.now().server_ms
    order = Order(
        attempt_id=new_id(),
        sale_id=new_id(),
        store=till.name,
        guide_name="陈美",
        guide_name_en="Mei Chen",
        currency="CNY",
        total=COAT.net,
        lines=[COAT],
        reasons=[],
        created_ms=now_ms,
        expires_ms=now_ms + 300_000,
    )
    data = msgspec.json.encode(order)
    claims = OrderToken(
        device=till.identity.device,
        attempt_id=order.attempt_id,
        nonce=new_nonce(),
        amount=order.total,
        expires_s=order.expires_ms // 1000,
        order_hash=order_hash(data),
    )
    return PaymentIntent(token=claims.sign(key), order=data)


@pytest.mark.fault(12, "the QR shows a moment later; the customer pays once")
@pytest.mark.parametrize("name", sorted(toxics.TOXICS))
def test_a_payment_over_a_bad_line_is_one_attempt(busy_shop: Shop, name: str) -> None:
    till = busy_shop.till()
    gateway = CloudPayments(connected(till.store, till.line.url, till.clock))
    device_key = till.store.run(lambda uow: uow.device_key()).result()
    intent = an_intent(till, Ed25519PrivateKey.from_private_bytes(device_key))
    order = msgspec.json.decode(intent.order, type=Order)
    attempt_id, sale_id = order.attempt_id, order.sale_id
    till.line.choose = lambda asked: (
        toxics.TOXICS[name] if asked.path.startswith("/v1/payments") else pass_on
    )
    seen, troubles = [], []
    for _ in range(2):
        try:
            seen.append(gateway.create(intent))
        except Trouble as trouble:
            troubles.append(trouble)
    assert all(trouble.retryable for trouble in troubles)
    till.line.heal()
    view = gateway.create(intent)
    assert (view.attempt_id, view.state) == (attempt_id, "waiting")
    assert all(earlier.attempt_id == attempt_id for earlier in seen)
    attempts = payment_tables.attempt
    count = sa.select(sa.func.count()).select_from(attempts).where(attempts.c.sale_id == sale_id)
    assert busy_shop.cloud.db.read(lambda connection: connection.scalar(count)) == 1
    assert gateway.cancel(attempt_id).state == "cancelled"
