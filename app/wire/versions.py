"""Protocol versions, each with the sentence that says why it exists."""

PROTOCOL = 1
"""1: first protocol. Sent in every hello; the server accepts every version ever shipped."""

SCHEMA = {
    "sale": 1,
    "refund": 1,
    "stock_adjustment": 1,
    "payment_step": 1,
    "refund_step": 1,
    "epoch_opened": 1,
}
"""Version of each journal body. Additive fields keep the version; a changed meaning is a new kind."""

HANDSHAKE = 1
"""Version of enrolment; a till refuses a higher one than it knows."""
