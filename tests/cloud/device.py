"""A till in miniature: enrols, signs, pushes and pulls over HTTP, and makes records at will."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx
import msgspec
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.ids import new_id
from app.wire.bodies import (
    Body,
    CommissionV1,
    GuideV1,
    MovementV1,
    RefundLineV1,
    RefundV1,
    SaleLineV1,
    SaleV1,
    TenderV1,
)
from app.wire.journal import Chain, Header, Record, head_message, header_bytes, make_record
from app.wire.messages import (
    EnrolAnswer,
    EnrolRequest,
    HelloRequest,
    PushAnswer,
    PushedRecord,
    PushRequest,
    TokenAnswer,
    TokenRequest,
)
from app.wire.tokens import (
    NONCE_HEADER,
    PROOF_HEADER,
    is_our_answer,
    seal,
    token_request_message,
)
from tests.cloud import inprocess

M = TypeVar("M", bound=msgspec.Struct)


Client = httpx.Client | inprocess.Client
"""What sends requests: httpx over a socket, or the one in process."""

_COMPRESS = zstandard.ZstdCompressor()


@dataclass(slots=True)
class Device:
    """A till's identity and journal, held in memory."""

    client: Client
    me: EnrolAnswer
    key: Ed25519PrivateKey
    token: str = ""
    seq: int = 0
    hash: bytes = b""
    records: list[Record] = field(default_factory=list)

    @property
    def chain(self) -> Chain:
        """Whose journal this is."""
        return Chain(self.me.tenant, self.me.store, self.me.device, self.me.epoch)

    def sign_in(self) -> None:
        """Fetch a fresh access token."""
        t_ms, nonce = time.time_ns() // 1_000_000, new_id()
        signature = self.key.sign(token_request_message(self.me.device, t_ms, nonce))
        asked = TokenRequest(device=self.me.device, t_ms=t_ms, nonce=nonce, signature=signature)
        self.token = self.post("/v1/token", asked, TokenAnswer).token

    def write(self, kind: str, body: Body | bytes, rec_id: str = "", **header: Any) -> Record:
        """Append a record to the journal."""
        record = self.draft(kind, body, rec_id, **header)
        self.seq, self.hash = record.header.seq, record.hash
        self.records.append(record)
        return record

    def draft(self, kind: str, body: Body | bytes, rec_id: str = "", **changes: Any) -> Record:
        """Make the next record without appending it."""
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        now = time.time_ns() // 1_000_000
        header = Header(
            v=1,
            tenant=self.me.tenant,
            store=self.me.store,
            device=self.me.device,
            epoch=self.me.epoch,
            seq=self.seq + 1,
            rec_id=rec_id or getattr(body, "id", "") or new_id(),
            kind=kind,
            schema_ver=1,
            t_device=now,
            t_mono=now,
            boot_id="boot",
            t_est_server=now,
            t_quality="A",
            actor="g1",
        )
        return make_record(replace(header, **changes), self.hash or self.chain.genesis(), data)

    def batch(self, records: list[Record]) -> PushRequest:
        """Make a signed push of consecutive records."""
        last = records[-1]
        head = head_message(self.me.device, self.me.epoch, last.header.seq, last.hash)
        return PushRequest(
            epoch=self.me.epoch,
            prev_hash=records[0].prev_hash.hex(),
            records=[pushed(record) for record in records],
            head_sig=self.key.sign(head),
        )

    def push(self, records: list[Record] | None = None) -> PushAnswer:
        """Push records (all of the journal by default), expecting to be heard."""
        return self.post("/v1/sync/push", self.batch(records or self.records), PushAnswer)

    def send_push(self, request: PushRequest, *, compressed: bool = True) -> httpx.Response:
        """Send a push and return the raw answer."""
        body = msgspec.json.encode(request)
        if compressed:
            body = _COMPRESS.compress(body)
        return self.client.post("/v1/sync/push", content=body, headers=self.headers())

    def hello(self) -> HelloRequest:
        """Make what the till says on connecting."""
        return HelloRequest(
            epoch=self.me.epoch,
            last_seq=self.seq,
            last_hash=self.hash.hex(),
            acked_seq=0,
            acked_hash="",
            app_version="1.0",
            protocol=1,
            schema={},
            db_id="db",
            boot_nonce="nonce",
        )

    def headers(self) -> dict[str, str]:
        """Return the headers of a request, with a fresh nonce."""
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {NONCE_HEADER: new_id(), **bearer}

    def post(self, path: str, message: msgspec.Struct, shape: type[M]) -> M:
        """Send a message and read the answer, which must be the cloud's own and 200."""
        response = self.client.post(
            path, content=msgspec.json.encode(message), headers=self.headers()
        )
        return self._read(response, shape)

    def get(self, path: str, shape: type[M], **params: str | int) -> M:
        """Ask and read the answer, which must be the cloud's own and 200."""
        response = self.client.get(path, params=params, headers=self.headers())
        return self._read(response, shape)

    def _read(self, response: httpx.Response, shape: type[M]) -> M:
        assert response.status_code == 200, response.text
        assert proven(response, self.me), "the answer carries no proof of our cloud"
        return msgspec.json.decode(response.content, type=shape)


def pushed(record: Record) -> PushedRecord:
    """Return a record as it travels."""
    return PushedRecord(
        seq=record.header.seq,
        rec_id=record.header.rec_id,
        kind=record.header.kind,
        schema_ver=record.header.schema_ver,
        hash=record.hash.hex(),
        header=header_bytes(record.header),
        body=record.body,
    )


def proven(response: httpx.Response, me: EnrolAnswer) -> bool:
    """Tell whether an answer proves that it is from the cloud this till enrolled with."""
    return is_our_answer(
        response.headers.get(PROOF_HEADER, ""),
        {key.kid: key.key for key in me.keys.signing},
        response.request.headers[NONCE_HEADER],
        response.status_code,
        response.content,
    )


def enrol_request(code: str, key: Ed25519PrivateKey, escrow: bytes = b"") -> EnrolRequest:
    """Make an enrolment request."""
    return EnrolRequest(
        handshake=1,
        code=code,
        device_key=key.public_key().public_bytes_raw(),
        escrow=escrow,
        platform="test",
        app_version="1.0",
        protection="file",
    )


def enrolled(client: Client, code: str) -> Device:
    """Enrol a fresh till by code and sign it in."""
    key = Ed25519PrivateKey.generate()
    keys = msgspec.json.decode(client.get("/v1/keys").content)
    escrow = seal(b"k" * 32, msgspec.convert(keys["escrow"]["key"], bytes, strict=False))
    response = client.post(
        "/v1/enrol", content=msgspec.json.encode(enrol_request(code, key, escrow))
    )
    assert response.status_code == 200, response.text
    device = Device(client, msgspec.json.decode(response.content, type=EnrolAnswer), key)
    device.sign_in()
    return device


def a_sale(
    prices: tuple[int, ...] = (19_900, 59_900),
    *,
    reference: str = "",
    day: str = "2026-03-01",
    sku: str = "SKU",
    rate_bp: int = 500,
) -> SaleV1:
    """Return a cash sale of one piece each at these prices in minor units, sold by guide g1."""
    sale_id, total = new_id(), sum(prices)
    return SaleV1(
        id=sale_id,
        receipt_no=f"S001-{sale_id[-6:]}",
        business_date=day,
        currency="CNY",
        total=total,
        reference=reference,
        lines=tuple(
            SaleLineV1(
                no=no,
                sku=f"{sku}-{no}",
                style="A100",
                name="连衣裙",
                colour="黑",
                size="M",
                unit_mills=price * 1_000,
                gross=price,
                net=price,
                guides=(GuideV1(guide="g1"),),
            )
            for no, price in enumerate(prices, 1)
        ),
        tenders=(TenderV1(id=new_id(), kind="cash", amount=total, given=total),),
        movements=tuple(
            MovementV1(sku=f"{sku}-{no}", delta=-1, kind="sale") for no, _ in enumerate(prices, 1)
        ),
        commissions=tuple(
            CommissionV1(
                line=no,
                guide="g1",
                plan="p",
                plan_version=1,
                base=price,
                rate_bp=rate_bp,
                amount=price * rate_bp // 10_000,
            )
            for no, price in enumerate(prices, 1)
        ),
    )


def a_refund(sale: SaleV1, line_no: int = 1, *, net: int | None = None) -> RefundV1:
    """Return a refund of one line of a sale."""
    line = sale.lines[line_no - 1]
    back = line.net if net is None else net
    refund_id = new_id()
    return RefundV1(
        id=refund_id,
        receipt_no=f"S001-{refund_id[-6:]}",
        business_date=sale.business_date,
        currency=sale.currency,
        total=back,
        reason="size",
        lines=(
            RefundLineV1(no=1, sku=line.sku, net=back, origin_sale=sale.id, origin_line=line.no),
        ),
        tenders=(TenderV1(id=new_id(), kind="cash", amount=back, given=back),),
        movements=(MovementV1(sku=line.sku, delta=1, kind="return"),),
    )
