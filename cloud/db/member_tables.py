"""Members: personal data, mutable and erasable, never inside a fact. Keyed by tenant and member, and
spread apart from the facts of stores: a member lies with their history, a number by itself.
"""

from __future__ import annotations

from sqlalchemy import Index, Table

from cloud.db.base import metadata
from cloud.db.columns import flag, key, small, text, whole
from cloud.db.distribution import BY_ALIAS, BY_MEMBER, BY_PHONE

member = Table(
    "member",
    metadata,
    *key("tenant_id", "member_ref"),
    text("name"),
    text("phone"),
    text("tier"),
    whole("points"),
    text("note"),
    text("search"),
    text("pinyin"),
    text("initials"),
    small("revision"),
    small("name_revision"),
    small("phone_revision"),
    small("tier_revision"),
    small("note_revision"),
    flag("erased"),
    whole("row_sum", server_default="0"),
    whole("change"),
    Index("ix_member_feed", "tenant_id", "change", "member_ref"),
    info=BY_MEMBER,
)

member_phone = Table(
    "member_phone", metadata, *key("tenant_id", "phone"), text("member_ref"), info=BY_PHONE
)
"""Who owns a number. A table of its own keeps the number unique wherever members are spread."""

member_alias = Table(
    "member_alias", metadata, *key("tenant_id", "alias_ref"), text("member_ref"), info=BY_ALIAS
)
"""A member who joined twice: the later reference leads to the earlier."""

member_change = Table(
    "member_change",
    metadata,
    *key("tenant_id", "member_ref", "change_id"),
    text("field"),
    text("before"),
    text("value"),
    small("base_revision"),
    small("revision"),
    text("verdict"),
    text("store_id"),
    text("device_id"),
    whole("t_ms"),
    whole("received_ms"),
    info=BY_MEMBER,
)
"""Every change a till asked for, applied or not: the history, and how a second push is known."""
