"""Messages between till and cloud, one class per request and answer, used by both sides.

JSON (UTF-8); `bytes` fields are standard base64. Pushes are zstd-compressed. Every request carries
`GuidePOS-Nonce`, every answer `GuidePOS-Proof` (see tokens.py). Errors are `Problem` with an HTTP status:
401 token, 403 revoked or foreign, 404, 409 gap/fork/conflict, 410 start over, 413 too big, 422 malformed,
426 too old to pull, 429/503 busy with Retry-After.
"""

from __future__ import annotations

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that are no message of ours; deeply nested ones are the third."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all messages. Unknown fields are ignored, so additive changes need no new version."""


class Problem(Message, frozen=True, kw_only=True):
    """Why a request was refused.

    `code` is an `app.errors.Code` or a protocol word (gap, fork, start_over). `server_ms` is the
    cloud's time where the till's own was so far off that it was the reason, else 0.
    """

    code: str
    detail: str = ""
    hwm: int = 0
    hwm_hash: str = ""
    server_ms: int = 0


# --- enrolment and keys ---------------------------------------------------------------------------


class PublicKey(Message, frozen=True, kw_only=True):
    """A public key of the cloud, raw, with its id and the Unix ms after which it is void (0: never)."""

    kid: str
    key: bytes
    expires_ms: int = 0


class KeySet(Message, frozen=True, kw_only=True):
    """The cloud's keys: those that sign answers (two at a time while rotating) and the escrow key."""

    signing: list[PublicKey]
    escrow: PublicKey


class EnrolRequest(Message, frozen=True, kw_only=True):
    """`POST /v1/enrol`. `code` is used once; `escrow` is the store's key sealed to the escrow key."""

    handshake: int
    code: str
    device_key: bytes
    escrow: bytes
    platform: str
    app_version: str
    protection: str
    """"keyring" or "file" (reduced protection)."""


class EnrolAnswer(Message, frozen=True, kw_only=True):
    """Who the device now is. `secret` (32 bytes) is the device's own, for the spoken short code."""

    tenant: str
    store: str
    device: str
    device_code: str
    epoch: str
    epoch_ordinal: int
    secret: bytes
    keys: KeySet
    timeline: str
    public_url: str
    """Base of the customer's pages, without trailing slash."""


class TokenRequest(Message, frozen=True, kw_only=True):
    """`POST /v1/token`. The device proves itself; `signature` is over `tokens.token_request_message`."""

    device: str
    t_ms: int
    nonce: str
    signature: bytes


class TokenAnswer(Message, frozen=True, kw_only=True):
    """A short-lived access token for the Authorization header (Bearer)."""

    token: str
    expires_in_s: int
    server_ms: int


# --- journal --------------------------------------------------------------------------------------


class HelloRequest(Message, frozen=True, kw_only=True):
    """`POST /v1/sync/hello`: at start, on reconnect, hourly. Hashes are hex, "" for none."""

    epoch: str
    last_seq: int
    last_hash: str
    acked_seq: int
    acked_hash: str
    app_version: str
    protocol: int
    schema: dict[str, int]
    db_id: str
    boot_nonce: str
    timeline: str = ""
    """The cloud's timeline as the till last knew it, "" before the first."""


class SealedPlace(Message, frozen=True, kw_only=True):
    """A place of a device's journal of which the cloud has only a damaged copy.

    `hash` (hex) is the one that was said for it: a record that has it is the one that belongs there. Where
    the till had to guess it, the record behind tells it once that one is whole, so later ones go first.
    """

    epoch: str
    seq: int
    hash: str


class HelloAnswer(Message, frozen=True, kw_only=True):
    """Where the cloud stands in the till's journal: up to `hwm` it holds every record.

    Up to `durable_seq` it would hold them even after a restore from the oldest backup it may use, so
    a till deletes none beyond it. A cloud that keeps no backups says 0 and its tills keep all.
    `known` is false for an epoch that was never opened there: a restored cloud, or another one.
    `standing` is "current", or "revoked" for a device that may still send and do nothing else.
    `keys` are the signing keys that count now; they are pinned, because the answer itself is proven.
    `sealed` are places of the device held only sealed, of any epoch, the latest to come first and no
    more than 200: a till that has one of these records whole pushes it again under its place.
    """

    server_ms: int
    timeline: str
    hwm: int
    hwm_hash: str
    durable_seq: int
    feed_generation: int
    min_app: str = ""
    commands: list[str] = []
    known: bool = True
    standing: str = "current"
    keys: list[PublicKey] = []
    sealed: list[SealedPlace] = []


class PushedRecord(Message, frozen=True, kw_only=True):
    """A journal record as it travels; `header` are the canonical bytes, `hash` is hex.

    `sealed`: the till found this record damaged. Header and body are what is left of it and prove
    nothing; `hash` is the one the next record continues from, and only the head signature vouches for it.
    """

    seq: int
    rec_id: str
    kind: str
    schema_ver: int
    hash: str
    header: bytes
    body: bytes
    sealed: bool = False


class PushRequest(Message, frozen=True, kw_only=True):
    """`POST /v1/sync/push`: consecutive records after `prev_hash`, vouched for by one head signature."""

    epoch: str
    prev_hash: str
    records: list[PushedRecord]
    head_sig: bytes


class PushResult(Message, frozen=True, kw_only=True):
    """What became of one record: applied | accepted_exception | accepted_unprojected | duplicate.

    A sealed record is an `accepted_exception` of the code `sealed_damaged`. A whole record that comes to a
    place held sealed takes it and has the verdict of one that is new.
    """

    seq: int
    verdict: str
    code: str = ""
    exception_id: str = ""


class PushAnswer(Message, frozen=True, kw_only=True):
    """The contiguous high-water mark with its hash; records up to it are the cloud's.

    `durable_seq` is what it is in `HelloAnswer`.
    """

    hwm: int
    hwm_hash: str
    durable_seq: int
    results: list[PushResult]


# --- reference ------------------------------------------------------------------------------------


class Row(Message, frozen=True, kw_only=True, gc=False):
    """One changed row of a stream; `body` is JSON of the stream's row type, absent when deleted."""

    key: str
    deleted: bool = False
    body: msgspec.Raw = msgspec.Raw(b"null")


class PullAnswer(Message, frozen=True, kw_only=True):
    """`GET /v1/sync/pull?stream=&cursor=&limit=&check=&epoch=`: a page and the cursor after it.

    `applied_epoch` and `applied_seq` tell up to which record of this device the stock figures count: in the
    `epoch` the till named, or in its newest where it named none that is known.
    `checksum` (see `checksum`) is over all rows a till holds after this page. It comes only where it was
    asked for, with the last page, and not while a row is newer than what the feed may show yet.
    """

    stream: str
    rows: list[Row]
    cursor: str
    more: bool
    feed_generation: int
    server_ms: int
    applied_epoch: str = ""
    applied_seq: int = 0
    checksum: str = ""


STREAMS = ("config", "people", "catalog", "stock", "tasks")
"""Reference streams in the order a new till needs them. The rows of `tasks` are in `app.wire.tasks`."""
MEMBERS = "members"
"""The feed of personal data, which has endpoints of its own and comes last: selling needs it least."""


class SkuRow(Message, frozen=True, kw_only=True, gc=False):
    """Stream `catalog`: one SKU. The search keys were computed where the product was written."""

    sku_id: str
    style_no: str
    name: str
    name_en: str
    category: str
    colour_code: str
    colour: str
    colour_en: str
    colour_hex: str
    size: str
    size_order: int
    list_price: int
    gtin: str = ""
    drawing: str = ""
    kind: str = "goods"
    price_version: int = 1
    season: str = ""
    search: str = ""
    pinyin: str = ""
    initials: str = ""


class StockRow(Message, frozen=True, kw_only=True, gc=False):
    """Stream `stock`: pieces of a SKU in a store. Own store included."""

    store: str
    sku_id: str
    quantity: int
    as_of_ms: int


class PersonRow(Message, frozen=True, kw_only=True):
    """Stream `people`: someone who may sign in. `pin` is an argon2id hash in PHC form."""

    person_id: str
    name: str
    name_en: str
    role: str
    pin: str
    active: bool = True


class CategoryRow(Message, frozen=True, kw_only=True):
    code: str
    name: str
    name_en: str
    icon: str = ""


class TierRow(Message, frozen=True, kw_only=True):
    code: str
    name: str
    name_en: str
    pays_bp: int


class ReasonRow(Message, frozen=True, kw_only=True):
    """A reason a guide may give for a discount, and the most it allows without a manager."""

    code: str
    name: str
    name_en: str
    max_bp: int = 10_000


class PlanRow(Message, frozen=True, kw_only=True):
    plan_id: str
    version: int
    default_bp: int
    rates_bp: dict[str, int] = {}


class StoreRow(Message, frozen=True, kw_only=True):
    """A store of the brand; `own` is decided by the till comparing with its own id."""

    store: str
    name: str
    name_en: str
    city: str
    address: str = ""
    phone: str = ""


class ConfigRow(Message, frozen=True, kw_only=True):
    """Stream `config`, key "shop": everything a till needs to know about the shop, as one document."""

    currency: str
    stores: list[StoreRow]
    categories: list[CategoryRow]
    tiers: list[TierRow]
    discount_reasons: list[ReasonRow]
    plan: PlanRow | None = None
    payment_minutes: int = 5
    day_starts_at: int = 4
    member_lease_days: int = 30
    """So long a till keeps members it has not heard of (see offline_store/member_lease.py)."""


# --- members --------------------------------------------------------------------------------------


JOIN, ERASE = "join", "erase"
"""Changes of a whole member; every other `field` is the name of one."""


class MemberChange(Message, frozen=True, kw_only=True):
    """One field of a member changed at a till: applied if `base_revision` is still current.

    `settled_revision` and `settled_ref` come with what the cloud settled before and may have lost since:
    the revision it led to, and for a join the older reference it led to ("" for its own). Among changes
    of a field the highest revision counts, in whatever order they come. An erasure that comes so is of
    exactly this reference, and may be of somebody the cloud does not know any more.
    """

    change_id: str
    member_ref: str
    field: str
    value: str
    base_revision: int
    t_ms: int
    settled_ref: str = ""
    settled_revision: int = 0


class MembersPush(Message, frozen=True, kw_only=True):
    """`POST /v1/members/push`.

    A new member is a change of the field "join" whose value is JSON of the fields.
    """

    changes: list[MemberChange]


class MemberVerdict(Message, frozen=True, kw_only=True):
    """applied | kept | alias | duplicate (of an applied one).

    kept: the server's value stands, and the member's row comes again with the feed. alias: joined
    before under `member_ref`. `revision` is the member's newest.
    """

    change_id: str
    verdict: str
    member_ref: str = ""
    revision: int = 0


class MembersPushAnswer(Message, frozen=True, kw_only=True):
    verdicts: list[MemberVerdict]


class MemberRow(Message, frozen=True, kw_only=True, gc=False):
    """A member as the store may know them. `erased` empties every field on every till."""

    member_ref: str
    revision: int
    name: str = ""
    phone: str = ""
    tier: str = ""
    points: int = 0
    note: str = ""
    search: str = ""
    pinyin: str = ""
    initials: str = ""
    erased: bool = False


class MembersPage(Message, frozen=True, kw_only=True):
    """`GET /v1/members/pull?cursor=&limit=&check=`; `checksum` is what it is in `PullAnswer`."""

    rows: list[MemberRow]
    cursor: str
    more: bool
    server_ms: int
    checksum: str = ""


# --- payments -------------------------------------------------------------------------------------


class OrderLine(Message, frozen=True, kw_only=True):
    """A line as the customer sees it. Amounts in minor units of the order's currency."""

    sku: str
    name: str
    name_en: str
    colour: str
    colour_en: str
    colour_hex: str
    size: str
    drawing: str
    quantity: int
    gross: int
    net: int
    reasons: list[OrderReason] = []


class OrderReason(Message, frozen=True, kw_only=True):
    """A discount on a line or on the whole order: code, rate (0 if none) and amount."""

    code: str
    amount: int
    rate_bp: int = 0


class Order(Message, frozen=True, kw_only=True):
    """The frozen order behind a QR. Its exact bytes are hashed into the token."""

    attempt_id: str
    sale_id: str
    store: str
    guide_name: str
    guide_name_en: str
    currency: str
    total: int
    lines: list[OrderLine]
    reasons: list[OrderReason]
    created_ms: int
    expires_ms: int


class PaymentIntent(Message, frozen=True, kw_only=True):
    """`POST /v1/payments`: register an order before its QR is shown. `order` are the bytes of an `Order`,
    or none for one that travels in its token.

    Idempotent by the token's attempt id: the same bytes get the same answer, other bytes a 409.
    """

    token: str
    order: bytes


class PaymentCode(Message, frozen=True, kw_only=True):
    """`POST /v1/payments/{attempt_id}/code`: collect by the code a customer shows.

    `wallet` says whose code it is: alipay, wechat, unionpay. The answer is the attempt as it then stands; it
    may be waiting while a password is typed. The same attempt is collected once: another code needs
    another attempt.
    """

    code: str
    wallet: str = ""


class PaymentView(Message, frozen=True, kw_only=True):
    """What the cloud knows about an attempt. `looked_at` says that a customer has the order open, `way` how
    it was begun at the provider: page, code, qr, or "" while it is at none."""

    attempt_id: str
    state: str
    anomalies: list[str]
    amount: int
    received: int
    provider: str
    provider_ref: str
    expires_ms: int
    changed_ms: int
    server_ms: int
    version: int
    """Grows with every change; the live stream carries it so that news can be told from echo."""
    looked_at: bool = False
    url: str = ""
    way: str = ""


class ProviderQr(Message, frozen=True, kw_only=True):
    """`POST /v1/payments/{attempt_id}/qr`: ask for a provider's own code, to be shown instead of our page's.

    `provider` is an account's name at the cloud. Who scans it pays without seeing the order, and cannot
    change to another wallet.
    """

    provider: str


class ProviderQrView(Message, frozen=True, kw_only=True):
    """What the QR holds, as the provider wrote it, and how the attempt stands."""

    text: str
    payment: PaymentView


class OwnCode(Message, frozen=True, kw_only=True):
    """An account whose own code a till may show. `wallet` is whose app reads it, "" for any; `by_hand`: the
    provider never confirms by itself, a person at the till does."""

    provider: str
    wallet: str = ""
    by_hand: bool = False


class WayRate(Message, frozen=True, kw_only=True):
    """What a way of paying that is open to customers really cost the asking store of late, as billed.

    `provider` is the account's name, `wallet` whose app it is ("" for any), `way` "qr" (the customer scans
    us) or "code" (we scan them), `rate_bp` the effective fee in hundredths of a percent. `cheapest` marks
    the lowest rate where another way costs more.
    """

    provider: str
    wallet: str
    way: str
    rate_bp: int
    cheapest: bool = False


class WaysToPay(Message, frozen=True, kw_only=True):
    """`GET /v1/ways-to-pay`: what a till may do besides showing our page's QR, and what ways cost.

    `collects` names the wallets whose codes can be collected by; "" among them stands for every wallet.
    `rates` has the ways with a bill in the last thirty days, cheapest first.
    """

    collects: list[str]
    shows: list[OwnCode]
    rates: list[WayRate] = []


class News(Message, frozen=True, kw_only=True):
    """One event of `GET /v1/live` (server-sent events, `data:` holds this JSON).

    A hint, not a proof: the till asks for the state and believes only that answer.
    """

    kind: str
    """"payment" (subject: attempt id) | "reference" (subject: stream) | "hello"."""
    subject: str = ""
    version: int = 0


# --- reports --------------------------------------------------------------------------------------


class SalesReportRow(Message, frozen=True, kw_only=True):
    business_date: str
    store: str
    sales: int
    refunds: int
    gross: int
    net: int
    currency: str


class SalesReport(Message, frozen=True, kw_only=True):
    """`GET /v1/reports/sales?from=&to=`."""

    rows: list[SalesReportRow]


class CommissionRow(Message, frozen=True, kw_only=True):
    """One commission entry with all that explains it."""

    business_date: str
    store: str
    document: str
    receipt_no: str
    line: int
    guide: str
    plan: str
    plan_version: int
    base: int
    rate_bp: int
    weight_bp: int
    amount: int


class CommissionReport(Message, frozen=True, kw_only=True):
    """`GET /v1/reports/commissions?from=&to=&guide=`; `totals` sums amounts per guide."""

    rows: list[CommissionRow]
    totals: dict[str, int]
