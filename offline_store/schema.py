"""The tables of a store, version 1. Facts are insert-only; a trigger says so for each of them.

`fact_no` counts the facts of this file from 1 and is the key of everything a fact writes. In an epoch
whose `fact_offset` is n, the record of fact f has seq f - n: re-journalling keeps the order, so a
fact's place in any chain is arithmetic and no row is ever touched for it.
"""

from __future__ import annotations

TABLES = """
CREATE TABLE device_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE cloud_key (
    kid TEXT PRIMARY KEY, key BLOB NOT NULL, expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- journal ---------------------------------------------------------------------------------------
CREATE TABLE epoch (
    place INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE,
    ordinal INTEGER NOT NULL,
    tenant TEXT NOT NULL, store TEXT NOT NULL, device TEXT NOT NULL, device_code TEXT NOT NULL,
    enrolled INTEGER NOT NULL,
    fact_offset INTEGER NOT NULL,
    acked_seq INTEGER NOT NULL DEFAULT 0,
    acked_hash BLOB NOT NULL
) STRICT;
CREATE TABLE journal (
    epoch TEXT NOT NULL, seq INTEGER NOT NULL, rec_id TEXT NOT NULL, kind TEXT NOT NULL,
    header BLOB NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL,
    UNIQUE (epoch, seq)
) STRICT;

-- facts: what queries need, for the document itself is the body in the journal -----------------
CREATE TABLE document (
    fact_no INTEGER PRIMARY KEY,
    document_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('sale', 'refund', 'stock_adjustment')),
    receipt_no TEXT NOT NULL, reference TEXT NOT NULL,
    at_ms INTEGER NOT NULL, business_date TEXT NOT NULL,
    net INTEGER NOT NULL, units INTEGER NOT NULL,
    actor TEXT NOT NULL, member_ref TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX document_receipt ON document (receipt_no) WHERE receipt_no <> '';
CREATE UNIQUE INDEX document_reference ON document (reference) WHERE reference <> '';
CREATE INDEX document_day ON document (business_date);
CREATE INDEX document_member ON document (member_ref) WHERE member_ref <> '';
CREATE INDEX document_number ON document (substr(receipt_no, -6)) WHERE receipt_no <> '';
CREATE VIEW sale AS SELECT * FROM document WHERE kind = 'sale';
CREATE VIEW refund AS SELECT * FROM document WHERE kind = 'refund';
CREATE VIEW stock_adjustment AS SELECT * FROM document WHERE kind = 'stock_adjustment';
CREATE TABLE sale_line (
    fact_no INTEGER NOT NULL, line_no INTEGER NOT NULL, sku_id TEXT NOT NULL,
    quantity INTEGER NOT NULL, net INTEGER NOT NULL, member_ref TEXT NOT NULL,
    PRIMARY KEY (fact_no, line_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX sale_line_sku ON sale_line (sku_id, member_ref);
CREATE TABLE refund_line (
    fact_no INTEGER NOT NULL, line_no INTEGER NOT NULL, sku_id TEXT NOT NULL,
    quantity INTEGER NOT NULL, net INTEGER NOT NULL,
    origin_sale TEXT NOT NULL, origin_line INTEGER NOT NULL,
    PRIMARY KEY (fact_no, line_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX refund_line_origin ON refund_line (origin_sale, origin_line) WHERE origin_sale <> '';
CREATE TABLE tender (
    fact_no INTEGER NOT NULL, no INTEGER NOT NULL, kind TEXT NOT NULL,
    amount INTEGER NOT NULL, attempt_id TEXT NOT NULL,
    PRIMARY KEY (fact_no, no)
) STRICT, WITHOUT ROWID;
CREATE TABLE stock_movement (
    fact_no INTEGER NOT NULL, no INTEGER NOT NULL, sku_id TEXT NOT NULL,
    delta INTEGER NOT NULL, kind TEXT NOT NULL,
    PRIMARY KEY (fact_no, no)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_movement_sku ON stock_movement (sku_id, fact_no, delta);
CREATE TABLE commission (
    fact_no INTEGER NOT NULL, line_no INTEGER NOT NULL, guide_id TEXT NOT NULL,
    business_date TEXT NOT NULL, quantity INTEGER NOT NULL, base INTEGER NOT NULL,
    rate_bp INTEGER NOT NULL, weight_bp INTEGER NOT NULL,
    credited INTEGER NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (fact_no, line_no, guide_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX commission_guide ON commission (guide_id, business_date);
CREATE TABLE payment_step (
    fact_no INTEGER PRIMARY KEY, step_id TEXT NOT NULL UNIQUE,
    attempt_id TEXT NOT NULL, step INTEGER NOT NULL, state TEXT NOT NULL,
    UNIQUE (attempt_id, step)
) STRICT;

-- where attempts stand now, kept beside their steps ------------------------------------------------
CREATE TABLE attempt (
    attempt_id TEXT PRIMARY KEY, sale_id TEXT NOT NULL, last_fact INTEGER NOT NULL,
    state TEXT NOT NULL, odd INTEGER NOT NULL, has_sale INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_sale ON attempt (sale_id);
CREATE INDEX attempt_open ON attempt (last_fact) WHERE state IN ('created', 'waiting', 'unknown');
CREATE INDEX attempt_uneasy ON attempt (last_fact) WHERE state <> 'refunded'
    AND (odd = 1 OR (has_sale = 0 AND state IN ('confirmed', 'refund_pending')));
CREATE TABLE attempt_token (
    attempt_id TEXT PRIMARY KEY, token TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- reference -----------------------------------------------------------------------------------------
CREATE TABLE cursor (stream TEXT PRIMARY KEY, cursor TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE config (key TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE person (
    person_id TEXT PRIMARY KEY, name TEXT NOT NULL, name_en TEXT NOT NULL, role TEXT NOT NULL,
    pin_hash TEXT NOT NULL, active INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0, locked_until_ms INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE sku (
    sku_no INTEGER PRIMARY KEY,
    sku_id TEXT NOT NULL UNIQUE, style_no TEXT NOT NULL, name TEXT NOT NULL, name_en TEXT NOT NULL,
    category TEXT NOT NULL, colour_code TEXT NOT NULL, colour TEXT NOT NULL,
    colour_en TEXT NOT NULL, colour_hex TEXT NOT NULL, size TEXT NOT NULL,
    list_price INTEGER NOT NULL, gtin TEXT NOT NULL, drawing TEXT NOT NULL, kind TEXT NOT NULL,
    price_version INTEGER NOT NULL, size_order INTEGER NOT NULL, gtin14 TEXT NOT NULL
) STRICT;
CREATE INDEX sku_gtin ON sku (gtin14) WHERE gtin14 <> '';
CREATE INDEX sku_style ON sku (style_no);
CREATE TABLE sku_search (
    sku_id TEXT PRIMARY KEY, search TEXT NOT NULL, pinyin TEXT NOT NULL, initials TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE stock (
    sku_id TEXT NOT NULL, store_id TEXT NOT NULL,
    quantity INTEGER NOT NULL, as_of_ms INTEGER NOT NULL,
    PRIMARY KEY (sku_id, store_id)
) STRICT, WITHOUT ROWID;

-- what a tile shows, kept beside the SKUs and their stock ---------------------------------------------
CREATE TABLE style (
    style_id INTEGER PRIMARY KEY, style_no TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL, name_en TEXT NOT NULL, category TEXT NOT NULL, drawing TEXT NOT NULL,
    colour_hexes TEXT NOT NULL, price_from INTEGER NOT NULL, price_to INTEGER NOT NULL
) STRICT;
CREATE INDEX style_category ON style (category);
CREATE TABLE style_stock (
    style_id INTEGER PRIMARY KEY, own_quantity INTEGER NOT NULL, broken INTEGER NOT NULL
) STRICT;
CREATE TABLE category_count (
    category TEXT PRIMARY KEY, styles INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE style_search USING fts5 (
    keys, content = '', contentless_delete = 1, detail = none, prefix = '1 2 3 4',
    tokenize = 'unicode61'
);

-- members -----------------------------------------------------------------------------------------
CREATE TABLE member (
    member_no INTEGER PRIMARY KEY, member_ref TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,
    name TEXT NOT NULL, phone TEXT NOT NULL, tier TEXT NOT NULL, points INTEGER NOT NULL,
    note TEXT NOT NULL, erased INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX member_phone ON member (phone) WHERE phone <> '';
CREATE TABLE member_alias (
    alias TEXT PRIMARY KEY, member_ref TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX member_alias_of ON member_alias (member_ref);
CREATE TABLE member_change (
    place INTEGER PRIMARY KEY, change_id TEXT NOT NULL UNIQUE, member_ref TEXT NOT NULL,
    field TEXT NOT NULL, value TEXT NOT NULL, base_revision INTEGER NOT NULL, t_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX member_change_of ON member_change (member_ref);
CREATE VIRTUAL TABLE member_search USING fts5 (
    keys, content = '', contentless_delete = 1, detail = none, prefix = '1 2 3',
    tokenize = 'unicode61'
);
INSERT INTO member_search (member_search, rank) VALUES ('secure-delete', 1);

-- device --------------------------------------------------------------------------------------------
CREATE TABLE draft (
    slot TEXT PRIMARY KEY, cart TEXT NOT NULL, saved_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

INSERT_ONLY = (
    "journal",
    "document",
    "sale_line",
    "refund_line",
    "tender",
    "stock_movement",
    "commission",
    "payment_step",
)


_IDENTITY = "epoch, ordinal, tenant, store, device, device_code, enrolled, fact_offset"
_EPOCH_KEPT = (
    "CREATE TRIGGER epoch_no_delete BEFORE DELETE ON epoch"
    " BEGIN SELECT RAISE(ABORT, 'a chain is never forgotten'); END",
    f"CREATE TRIGGER epoch_no_update BEFORE UPDATE OF {_IDENTITY} ON epoch"
    " BEGIN SELECT RAISE(ABORT, 'only its mark at the cloud may move'); END",
)
"""Every fact's place in the journal hangs on these rows."""

_COUNT = """CREATE TRIGGER style_counted_{verb} AFTER {event} ON style BEGIN
    INSERT INTO category_count VALUES ({row}.category, {step})
        ON CONFLICT (category) DO UPDATE SET styles = styles + {step};
    {more}
END"""
_COUNT_MORE = """INSERT INTO category_count VALUES (new.category, 1)
        ON CONFLICT (category) DO UPDATE SET styles = styles + 1;"""


def _counting() -> list[str]:
    """Triggers that keep the number of styles per category, so that no screen ever counts them."""
    return [
        _COUNT.format(verb="in", event="INSERT", row="new", step=1, more=""),
        _COUNT.format(verb="out", event="DELETE", row="old", step=-1, more=""),
        _COUNT.format(
            verb="over", event="UPDATE OF category", row="old", step=-1, more=_COUNT_MORE
        ),
    ]


def statements() -> list[str]:
    """Return the statements that build an empty store, in order."""
    built = [part.strip() for part in TABLES.split(";") if part.strip()]
    for table in INSERT_ONLY:
        for verb in ("UPDATE", "DELETE"):
            built.append(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'facts are never changed'); END"
            )
    return [*built, *_EPOCH_KEPT, *_counting()]
