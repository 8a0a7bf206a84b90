"""The three error families of the house, as codes.

`RuleBroken` is something the person at the till can mend, `Trouble` is the world failing, and any
other exception is a bug. Nothing here holds a sentence: `ui/text.py` and the cloud's templates
translate codes, and a test asserts that every code has both languages.
"""

from __future__ import annotations

import errno
from enum import StrEnum


class Code(StrEnum):
    """Every reason the core may give for saying no. The value is stable: it travels and is logged."""

    # Money and text
    AMOUNT_INVALID = "amount_invalid"
    AMOUNT_TOO_LARGE = "amount_too_large"
    TEXT_EMPTY = "text_empty"
    TEXT_TOO_LONG = "text_too_long"
    TEXT_FORBIDDEN_CHARACTER = "text_forbidden_character"
    PHONE_INVALID = "phone_invalid"

    # Goods
    CODE_UNKNOWN = "code_unknown"
    GTIN_INVALID = "gtin_invalid"
    SKU_UNKNOWN = "sku_unknown"
    STYLE_UNKNOWN = "style_unknown"

    # Cart and pricing
    CART_EMPTY = "cart_empty"
    CART_FROZEN = "cart_frozen"
    LINE_UNKNOWN = "line_unknown"
    QUANTITY_INVALID = "quantity_invalid"
    DISCOUNT_INVALID = "discount_invalid"
    DISCOUNT_NOT_ALLOWED = "discount_not_allowed"
    GUIDE_SHARES_INVALID = "guide_shares_invalid"

    # Sale and refund
    SALE_UNBALANCED = "sale_unbalanced"
    SALE_UNKNOWN = "sale_unknown"
    SALE_ALREADY_RECORDED = "sale_already_recorded"
    REFERENCE_ALREADY_USED = "reference_already_used"
    REFUND_EXCEEDS_SALE = "refund_exceeds_sale"
    REFUND_EMPTY = "refund_empty"
    REFUND_UNKNOWN = "refund_unknown"
    REFUND_UNDER_WAY = "refund_under_way"
    CASH_NEEDS_REASON = "cash_needs_reason"
    REFUND_EXCEEDS_PAYMENT = "refund_exceeds_payment"
    CASH_NOT_ENOUGH = "cash_not_enough"

    # Payment
    PAYMENT_NOT_SHOWN = "payment_not_shown"
    PAYMENT_NOT_CONFIRMED = "payment_not_confirmed"
    PAYMENT_ALREADY_REFUNDED = "payment_already_refunded"
    PAYMENT_ALREADY_OPEN = "payment_already_open"
    PAYMENT_UNKNOWN = "payment_unknown"
    PAYMENT_UNRESOLVED = "payment_unresolved"
    PAYMENT_NOT_OFFERED = "payment_not_offered"
    PAYMENT_BEGUN = "payment_begun"
    PAYMENT_UNDER_WAY = "payment_under_way"

    # People and members
    PIN_WRONG = "pin_wrong"
    PIN_INVALID = "pin_invalid"
    PIN_LOCKED = "pin_locked"
    PERSON_UNKNOWN = "person_unknown"
    MEMBER_UNKNOWN = "member_unknown"
    MEMBER_EXISTS = "member_exists"
    MEMBER_CHANGE_REFUSED = "member_change_refused"
    MEMBERS_EXPIRED = "members_expired"
    MANAGER_NEEDED = "manager_needed"

    # Tasks of the store
    TASK_UNKNOWN = "task_unknown"
    TASK_TAKEN = "task_taken"
    TASK_SETTLED = "task_settled"
    TASK_CHANGED = "task_changed"
    NOT_A_MANAGER = "not_a_manager"
    STOCK_SHORT = "stock_short"

    # Customer's page and tokens
    TOKEN_INVALID = "token_invalid"
    TOKEN_EXPIRED = "token_expired"
    TOKEN_FOREIGN = "token_foreign"
    ORDER_TAKEN = "order_taken"
    ORDER_CLOSED = "order_closed"
    ORDER_PAID = "order_paid"
    ORDER_NOT_OFFLINE = "order_not_offline"
    PRICES_OLD = "prices_old"

    # Proof of payment where the shop is offline
    PROOF_INVALID = "proof_invalid"
    PROOF_KEY_UNKNOWN = "proof_key_unknown"
    PROOF_OTHER_ORDER = "proof_other_order"
    PROOF_OTHER_DEVICE = "proof_other_device"
    PROOF_OTHER_AMOUNT = "proof_other_amount"
    PROOF_OTHER_NONCE = "proof_other_nonce"
    PROOF_EXPIRED = "proof_expired"
    PROOF_USED = "proof_used"
    PROOF_OUT = "proof_out"
    SPOKEN_CODE_WRONG = "spoken_code_wrong"
    SPOKEN_CODE_LOCKED = "spoken_code_locked"

    # Import
    FILE_UNREADABLE = "file_unreadable"
    COLUMN_MISSING = "column_missing"
    ROW_INVALID = "row_invalid"
    CONFIG_INVALID = "config_invalid"

    # Trouble: the world failed
    CLOUD_UNREACHABLE = "cloud_unreachable"
    CLOUD_BUSY = "cloud_busy"
    CLOUD_REFUSED = "cloud_refused"
    CLOUD_NOT_OURS = "cloud_not_ours"
    CLOUD_NOT_SAFE = "cloud_not_safe"
    CLOCK_WRONG = "clock_wrong"
    CLOUD_MESSAGE_INVALID = "cloud_message_invalid"
    DEVICE_NOT_ENROLLED = "device_not_enrolled"
    DEVICE_REVOKED = "device_revoked"
    ENROL_CODE_INVALID = "enrol_code_invalid"
    STORE_BUSY = "store_busy"
    STORE_FULL = "store_full"
    STORE_READ_ONLY = "store_read_only"
    STORE_DAMAGED = "store_damaged"
    STORE_KEY_MISSING = "store_key_missing"
    STORE_KEY_LOCKED = "store_key_locked"
    STORE_KEY_WRONG = "store_key_wrong"
    STORE_NEWER = "store_newer"
    STORE_IN_USE = "store_in_use"
    SQLITE_UNFIT = "sqlite_unfit"
    JOURNAL_BROKEN = "journal_broken"
    RECORD_ARCHIVED = "record_archived"
    COPY_FAILED = "copy_failed"
    COPY_AHEAD = "copy_ahead"
    COPY_PLACE_UNFIT = "copy_place_unfit"
    UNSENT_LEFT = "unsent_left"
    EXPORT_INCOMPLETE = "export_incomplete"
    PRINTER_FAILED = "printer_failed"
    CAMERA_ABSENT = "camera_absent"
    CAMERA_BUSY = "camera_busy"
    CAMERA_DENIED = "camera_denied"
    CAMERA_FAILED = "camera_failed"
    CAMERA_NOT_INSTALLED = "camera_not_installed"


Fact = str | int | bool | None


class RuleBroken(Exception):
    """A rule of the shop says no; nothing was changed, and the person at the till can mend it."""

    def __init__(self, code: Code, **facts: Fact) -> None:
        super().__init__(code.value, facts)
        self.code = code
        self.facts = facts


class Trouble(Exception):
    """The world outside failed. `retryable` says whether trying again unchanged may succeed."""

    def __init__(self, code: Code, *, retryable: bool = False, **facts: Fact) -> None:
        super().__init__(code.value, facts)
        self.code = code
        self.retryable = retryable
        self.facts = facts


_FILE_TROUBLES = {
    errno.ENOSPC: (Code.STORE_FULL, True),
    errno.EDQUOT: (Code.STORE_FULL, True),
    errno.EROFS: (Code.STORE_READ_ONLY, False),
    errno.EACCES: (Code.STORE_READ_ONLY, False),
    errno.EPERM: (Code.STORE_READ_ONLY, False),
    errno.ENOENT: (Code.STORE_READ_ONLY, False),
    errno.ENOTDIR: (Code.STORE_READ_ONLY, False),
    errno.EISDIR: (Code.STORE_READ_ONLY, False),
}


def file_trouble(error: OSError) -> Trouble:
    """Return what an error of the file system stands for: no room, read-only, or a disk that fails."""
    code, retryable = _FILE_TROUBLES.get(error.errno or 0, (Code.STORE_DAMAGED, False))
    return Trouble(code, retryable=retryable, detail=str(error))
