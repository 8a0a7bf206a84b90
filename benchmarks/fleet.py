"""A fleet of simulated tills: enrolled, signed in, and with signed batches of full sales made beforehand, so
that sending one costs a request and nothing else. Speaks the wire and knows no till."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import requests
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.ids import new_id
from app.domain.money import share_of
from app.wire.bodies import (
    CommissionV1,
    GuideV1,
    MovementV1,
    ReasonV1,
    SaleLineV1,
    SaleV1,
    TenderV1,
)
from app.wire.journal import Chain, Header, head_message, header_bytes, make_record
from app.wire.messages import (
    EnrolAnswer,
    EnrolRequest,
    KeySet,
    PushedRecord,
    PushRequest,
    TokenAnswer,
    TokenRequest,
)
from app.wire.tokens import NONCE_HEADER, seal, token_request_message
from app.wire.versions import HANDSHAKE

SALE_LINES = 5
GOODS = 800
"""SKUs a store sells from, as many as the demo shop has; a batch moves the stock of half of them."""
_RATE_BP = 350
_DAY = "2026-03-01"

M = TypeVar("M", bound=msgspec.Struct)


@dataclass(slots=True)
class SimulatedTill:
    """One device: who it is, its key and token, and where its journal stands."""

    me: EnrolAnswer
    key: Ed25519PrivateKey
    token: str
    seq: int = 0
    hash: bytes = b""

    def headers(self) -> dict[str, str]:
        """Return the headers of a request, with a fresh nonce."""
        return {NONCE_HEADER: new_id(), "Authorization": f"Bearer {self.token}"}

    def batches(self, count: int, sales: int, chance: random.Random) -> Iterator[bytes]:
        """Yield the compressed bodies of so many consecutive pushes, each of so many sales."""
        compress = zstandard.ZstdCompressor().compress
        for _ in range(count):
            yield compress(msgspec.json.encode(self._batch(sales, chance)))

    def _batch(self, sales: int, chance: random.Random) -> PushRequest:
        before = (
            self.hash
            or Chain(self.me.tenant, self.me.store, self.me.device, self.me.epoch).genesis()
        )
        self.hash = before
        records = [self._record(a_sale(chance, self.me.device_code)) for _ in range(sales)]
        head = head_message(self.me.device, self.me.epoch, self.seq, self.hash)
        return PushRequest(
            epoch=self.me.epoch,
            prev_hash=before.hex(),
            records=records,
            head_sig=self.key.sign(head),
        )

    def _record(self, sale: SaleV1) -> PushedRecord:
        self.seq += 1
        now = time.time_ns() // 1_000_000
        header = Header(
            v=1,
            tenant=self.me.tenant,
            store=self.me.store,
            device=self.me.device,
            epoch=self.me.epoch,
            seq=self.seq,
            rec_id=sale.id,
            kind="sale",
            schema_ver=1,
            t_device=now,
            t_mono=now,
            boot_id=self.me.epoch,
            t_est_server=now,
            t_quality="A",
            actor="g1",
        )
        record = make_record(header, self.hash, msgspec.json.encode(sale))
        self.hash = record.hash
        return PushedRecord(
            seq=self.seq,
            rec_id=sale.id,
            kind="sale",
            schema_ver=1,
            hash=record.hash.hex(),
            header=header_bytes(header),
            body=record.body,
        )


def enrolled(url: str, code: str) -> SimulatedTill:
    """Enrol a till with a one-time code and sign it in. Raises requests' errors."""
    key = Ed25519PrivateKey.generate()
    keys = msgspec.json.decode(requests.get(f"{url}/v1/keys", timeout=30).content, type=KeySet)
    asked = EnrolRequest(
        handshake=HANDSHAKE,
        code=code,
        device_key=key.public_key().public_bytes_raw(),
        escrow=seal(b"k" * 32, keys.escrow.key),
        platform="benchmark",
        app_version="0",
        protection="file",
    )
    me = _asked(f"{url}/v1/enrol", asked, EnrolAnswer)
    t_ms, nonce = time.time_ns() // 1_000_000, new_id()
    signature = key.sign(token_request_message(me.device, t_ms, nonce))
    proof = TokenRequest(device=me.device, t_ms=t_ms, nonce=nonce, signature=signature)
    return SimulatedTill(me, key, _asked(f"{url}/v1/token", proof, TokenAnswer).token)


def _asked(url: str, message: msgspec.Struct, shape: type[M]) -> M:
    answer = requests.post(url, data=msgspec.json.encode(message), timeout=30)
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=shape)


def a_sale(chance: random.Random, device_code: str) -> SaleV1:
    """Return a cash sale of five lines as a till writes one: discount, guide, movement, commission."""
    lines = tuple(
        _line(no, sku, chance) for no, sku in enumerate(chance.sample(range(GOODS), SALE_LINES), 1)
    )
    sale_id, total = new_id(), sum(line.net for line in lines)
    return SaleV1(
        id=sale_id,
        receipt_no=f"S1-{device_code}-1-{sale_id[-6:]}",
        business_date=_DAY,
        currency="CNY",
        total=total,
        member_ref=new_id() if chance.random() < 0.5 else "",
        lines=lines,
        tenders=(TenderV1(id=new_id(), kind="cash", amount=total, given=total),),
        movements=tuple(MovementV1(sku=line.sku, delta=-1, kind="sale") for line in lines),
        commissions=tuple(
            CommissionV1(
                line=line.no,
                guide=line.guides[0].guide,
                plan="plan-1",
                plan_version=1,
                base=line.net,
                rate_bp=_RATE_BP,
                amount=share_of(line.net, _RATE_BP),
            )
            for line in lines
        ),
    )


def _line(no: int, sku: int, chance: random.Random) -> SaleLineV1:
    price = chance.randrange(9_900, 199_900, 100)
    off = price // 10 if chance.random() < 0.3 else 0
    reasons = (ReasonV1(code="member", amount=off, rate_bp=1_000, rule="tier"),) if off else ()
    return SaleLineV1(
        no=no,
        sku=f"SKU-{sku:05}",
        style=f"MD-{sku // 12:04}",
        name="羊毛双面呢大衣",
        name_en="Double-faced wool coat",
        colour="燕麦",
        colour_en="Oat",
        colour_hex="#d9cbb2",
        size="M",
        category="coat",
        drawing="coat",
        unit_mills=price * 1_000,
        gross=price,
        net=price - off,
        reasons=reasons,
        guides=(GuideV1(guide=f"g{sku % 7}"),),
    )
