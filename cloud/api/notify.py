"""Where payment providers tell what happened: verified by the gateway, booked, and only then answered.

A provider that is not told "taken" comes again, so whatever fails on our side answers with an error. What is
not proven changes nothing and is logged without its contents.
"""

from __future__ import annotations

import logging

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.errors import RuleBroken
from cloud.api.body_limit import NOTICE_BYTES
from cloud.api.contract import body_of
from cloud.desk import Desk, DeskDep
from cloud.gateways.base import NoticeRefused, Reply
from cloud.services import orphans

router = APIRouter(include_in_schema=False)
log = logging.getLogger(__name__)


@router.post("/notify/{name}")
async def notify(request: Request, name: str, desk: DeskDep) -> Response:
    """Take a provider's notification for the account of that name."""
    body = await body_of(request, NOTICE_BYTES)
    headers = dict(request.headers)
    reply = await run_in_threadpool(_take, desk, name, headers, body)
    return Response(reply.body, reply.status, media_type=reply.media)


def _take(desk: Desk, name: str, headers: dict[str, str], body: bytes) -> Reply:
    gateway = desk.gateways.by_name.get(name)
    if gateway is None:
        return Reply(404)
    try:
        notice = gateway.hear(headers, body)
    except NoticeRefused as refused:
        log.warning("a notification for %s was refused: %s", name, refused.why)
        return refused.reply
    if notice.attempt is None or notice.answer is None:
        log.info("a notification for %s is about nothing of ours", name)
        return notice.reply
    try:
        desk.payments.heard(notice.attempt, notice.answer, name)
    except RuleBroken as unknown:
        # Genuine, and about an attempt we do not have: a restored database may learn of it yet. Its
        # provider stops telling some day, so a person hears of it now.
        log.error("%s told of attempt %s: %s", name, notice.attempt.attempt_id, unknown.code)
        now_ms = desk.payments.now_ms()
        orphans.note(desk.db, desk.newsroom, notice.attempt, notice.answer, name, now_ms)
        return Reply(500)
    return notice.reply
