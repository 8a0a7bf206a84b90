"""What may happen to a request or its answer on the way, by name. Each toxic handles one exchange."""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.wire.messages import HelloAnswer, Message, Problem, PushAnswer
from app.wire.tokens import NONCE_HEADER, PROOF_HEADER, prove_answer
from tests.torture.proxy.line import Exchange, Toxic, pass_on

SLOW_S = 0.05
UNHEARD_S = 2.0
"""Longer than the till of these tests waits for an answer."""
RETRY_AFTER_S = 2
HTML = b"<html><body><form>Welcome to the mall. Accept our terms.</form></body></html>"
_FOREIGN = Ed25519PrivateKey.from_private_bytes(b"another server's key, thirty-two")


def http(
    status: int, body: bytes, kind: str = "application/json", headers: dict[str, str] | None = None
) -> bytes:
    """Return an HTTP answer."""
    fields = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
    rows = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} x\r\n{rows}\r\n".encode() + body


def _keep(exchange: Exchange, answer: bytes) -> bytes:
    exchange.line.answers[exchange.asked.path] = answer
    return answer


# --- slow -----------------------------------------------------------------------------------------


def latency(exchange: Exchange) -> None:
    """A long way there and back."""
    exchange.pause(SLOW_S)
    answer = exchange.forward()
    exchange.pause(SLOW_S)
    exchange.say(answer)


def jitter(exchange: Exchange) -> None:
    """Now quick, now slow, in the middle of an answer."""
    answer = exchange.forward()
    for at in range(0, len(answer), 200):
        exchange.pause(exchange.rng.random() * SLOW_S / 5)
        exchange.say(answer[at : at + 200])


def bandwidth(exchange: Exchange, bytes_per_s: int = 200_000) -> None:
    """A thin line in both directions."""
    exchange.pause(len(exchange.asked.raw) / bytes_per_s)
    answer, piece = exchange.forward(), bytes_per_s // 20
    for at in range(0, len(answer), piece):
        exchange.pause(0.05)
        exchange.say(answer[at : at + piece])


def slicer(exchange: Exchange) -> None:
    """The answer comes in crumbs."""
    answer = exchange.forward()
    at = 0
    while at < len(answer):
        size = exchange.rng.randint(1, 40)
        exchange.say(answer[at : at + size])
        at += size


def blackhole(exchange: Exchange) -> None:
    """The request arrives nowhere and nobody says so: a half-open connection."""
    exchange.line.ending.wait(UNHEARD_S)
    exchange.hang_up()


def answer_too_late(exchange: Exchange) -> None:
    """The cloud does it; the answer comes after the till has given up."""
    answer = exchange.forward()
    exchange.line.ending.wait(UNHEARD_S)
    exchange.say(answer)


UNHEARD_S = 0.9
"""Longer than the till of these tests waits for an answer."""


# --- cut ------------------------------------------------------------------------------------------


def refused(exchange: Exchange) -> None:
    """The request is cut off before any of it arrives."""
    exchange.reset()


def half_request(exchange: Exchange) -> None:
    """Half of the body reaches the cloud, then the line breaks."""
    asked = exchange.asked
    exchange.forward_part(asked.head + asked.body[: len(asked.body) // 2])
    exchange.hang_up()


def half_answer(exchange: Exchange) -> None:
    """The cloud does it; half of its answer arrives."""
    answer = exchange.forward()
    exchange.say(answer[: len(answer) - max(1, len(answer) // 3)])
    exchange.hang_up()


def reset_inside(exchange: Exchange) -> None:
    """The cloud does it; the connection is reset after some bytes of the answer."""
    answer = exchange.forward()
    exchange.say(answer[: exchange.rng.randint(1, len(answer) - 1)])
    exchange.reset()


def lost_ack(exchange: Exchange) -> None:
    """The cloud has committed; nothing of its answer arrives."""
    exchange.forward()
    exchange.hang_up()


# --- somebody else answers ------------------------------------------------------------------------


def portal_200(exchange: Exchange) -> None:
    """A captive portal's page."""
    exchange.say(http(200, HTML, "text/html"))


def portal_302(exchange: Exchange) -> None:
    """A captive portal leads elsewhere."""
    exchange.say(http(302, b"", "text/html", {"Location": "http://portal.example/login"}))


def portal_403(exchange: Exchange) -> None:
    """A portal that forbids, in the words of our own cloud."""
    body = msgspec.json.encode(Problem(code="device_revoked"))
    exchange.say(http(403, body))


def portal_401(exchange: Exchange) -> None:
    """A portal that wants somebody to log in."""
    exchange.say(http(401, HTML, "text/html", {"WWW-Authenticate": 'Basic realm="mall"'}))


def portal_511(exchange: Exchange) -> None:
    """Network authentication required (RFC 6585)."""
    exchange.say(http(511, HTML, "text/html"))


def other_server(exchange: Exchange) -> None:
    """Another cloud answers with its own key under our key's name, and would have us wiped."""
    asked = exchange.asked
    status, message = _evil(asked.path)
    body = msgspec.json.encode(message)
    known = exchange.line.prove("", 200, b"").partition(".")[0]
    proof = prove_answer(known, _FOREIGN, asked.header(NONCE_HEADER), status, body)
    exchange.say(http(status, body, headers={PROOF_HEADER: proof}))


def _evil(path: str) -> tuple[int, Message]:
    if path.endswith("/hello"):
        return 200, HelloAnswer(
            server_ms=1,
            timeline="another",
            hwm=10_000,
            hwm_hash="ab" * 32,
            durable_seq=10_000,
            feed_generation=99,
            commands=["wipe"],
            standing="revoked",
            keys=[],
        )
    if path.endswith("/sync/push"):
        return 200, PushAnswer(hwm=10_000, hwm_hash="ab" * 32, durable_seq=10_000, results=[])
    return 403, Problem(code="device_revoked")


def replayed_answer(exchange: Exchange) -> None:
    """An answer of an earlier request comes once more; without one, this one's comes as it is."""
    earlier = exchange.line.answers.get(exchange.asked.path)
    if earlier is None:
        exchange.say(_keep(exchange, exchange.forward()))
    else:
        exchange.say(earlier)


def garbled_answer(exchange: Exchange) -> None:
    """A bit of the answer's body is another."""
    answer = bytearray(exchange.forward())
    body = answer.index(b"\r\n\r\n") + 4
    if body < len(answer):
        answer[exchange.rng.randrange(body, len(answer))] ^= 1 << exchange.rng.randrange(8)
        exchange.say(bytes(answer))
    exchange.hang_up()


def garbled_request(exchange: Exchange) -> None:
    """A bit of the body is another when it arrives."""
    asked = exchange.asked
    if not asked.body:
        return pass_on(exchange)
    body = bytearray(asked.body)
    body[exchange.rng.randrange(len(body))] ^= 1 << exchange.rng.randrange(8)
    return exchange.say(exchange.forward(asked.head + bytes(body)))


# --- twice and late -------------------------------------------------------------------------------


def doubled(exchange: Exchange) -> None:
    """The request arrives twice; the till hears the second answer."""
    exchange.forward()
    exchange.say(exchange.forward())


def again_later(exchange: Exchange) -> None:
    """The request arrives, and once more when all is over."""
    exchange.line.held.append(exchange.asked.raw)
    pass_on(exchange)


def out_of_order(exchange: Exchange) -> None:
    """The request is stuck on the way and arrives after those that follow it."""
    exchange.line.held.append(exchange.asked.raw)
    exchange.hang_up()


def stuck_arrives_first(exchange: Exchange) -> None:
    """What was stuck arrives just before this request, which is stuck behind it."""
    exchange.line.deliver_held()
    out_of_order(exchange)


# --- busy and broken ------------------------------------------------------------------------------


def balancer_502(exchange: Exchange) -> None:
    """The load balancer finds no cloud."""
    exchange.say(http(502, HTML, "text/html"))


def balancer_503(exchange: Exchange) -> None:
    """The load balancer's own pause page; it is not our cloud's word."""
    exchange.say(http(503, HTML, "text/html", {"Retry-After": "86400"}))


def _cloud_says(exchange: Exchange, status: int, code: str, retry_after: str = "") -> None:
    body = msgspec.json.encode(Problem(code=code))
    proof = exchange.line.prove(exchange.asked.header(NONCE_HEADER), status, body)
    headers = {PROOF_HEADER: proof} | ({"Retry-After": retry_after} if retry_after else {})
    exchange.say(http(status, body, headers=headers))


def cloud_500(exchange: Exchange) -> None:
    """Our cloud has a bug."""
    _cloud_says(exchange, 500, "bug")


def cloud_503(exchange: Exchange) -> None:
    """Our cloud is busy and says for how long."""
    _cloud_says(exchange, 503, "store_busy", str(RETRY_AFTER_S))


def cloud_503_silent(exchange: Exchange) -> None:
    """Our cloud is busy and does not say for how long."""
    _cloud_says(exchange, 503, "store_busy")


def cloud_429(exchange: Exchange) -> None:
    """Our cloud lets fewer in."""
    _cloud_says(exchange, 429, "cloud_busy", str(RETRY_AFTER_S))


def cloud_429_odd(exchange: Exchange) -> None:
    """The same with a Retry-After nobody can read."""
    _cloud_says(exchange, 429, "cloud_busy", "Fri, 31 Dec 1999 23:59:59 GMT")


TOXICS: dict[str, Toxic] = {
    toxic.__name__: toxic
    for toxic in (
        latency,
        jitter,
        bandwidth,
        slicer,
        blackhole,
        answer_too_late,
        refused,
        half_request,
        half_answer,
        reset_inside,
        lost_ack,
        portal_200,
        portal_302,
        portal_401,
        portal_403,
        portal_511,
        other_server,
        replayed_answer,
        garbled_answer,
        garbled_request,
        doubled,
        again_later,
        out_of_order,
        stuck_arrives_first,
        balancer_502,
        balancer_503,
        cloud_500,
        cloud_503,
        cloud_503_silent,
        cloud_429,
        cloud_429_odd,
    )
}
