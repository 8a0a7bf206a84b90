"""Serves the make-believe providers over HTTP, delivers their letters, and takes the customer's part.

`POST /control/alipay|wechat/scan|pay|give_up/NUMBER` is the customer; `POST /control/…/fault/NAME` breaks the
next call; `GET /control/state` lists what there is. Loopback only: whoever reaches it may pay anything.
`Sent-At` of an answer is when letters left, by the machine's monotonic clock in seconds.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from cloud.fakes.alipay import FakeAlipay
from cloud.fakes.faults import AtWork, Fault, Letter, Lost, Reply
from cloud.fakes.wechat import FakeWechat

_ALIPAY_PATHS = ("/gateway.do", "/bill")
_TRIES, _TIMEOUT_S = 3, 5.0
_JSON = {"content-type": "application/json"}
_WALLET = (
    "<!doctype html><meta name=viewport content='width=device-width'><h1>Make-believe Alipay</h1>"
    "<form method=post action='/control/alipay/pay/{number}'><button>Pay</button></form>"
)


@dataclass
class Providers:
    """Both providers behind one address. One request at a time, as their books are plain dictionaries."""

    alipay: FakeAlipay
    wechat: FakeWechat
    deliver: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Answer one request, late if it is worked at. Raises Lost."""
        if path.startswith("/control/"):
            return self._control(path.removeprefix("/control/").split("/"))
        try:
            return self._answer(method, path, headers, body)
        except AtWork as work:
            work.done.wait()
            with self.lock:
                return work.finish()

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        with self.lock:
            if path.removeprefix("/") in self.alipay.codes:
                return self._wallet(self.alipay.codes[path.removeprefix("/")])
            if path.startswith("/connect/oauth2/authorize?"):
                return self._authorize(parse_qs(urlsplit(path).query))
            if path.startswith(_ALIPAY_PATHS):
                return self.alipay.exchange(method, path, headers, body)
            return self.wechat.exchange(method, path, headers, body)

    def _control(self, words: list[str]) -> Reply:
        if words == ["state"]:
            return Reply(200, _JSON, json.dumps(self._state()).encode())
        try:
            name, deed, what = words
            both: dict[str, FakeAlipay | FakeWechat] = {
                "alipay": self.alipay,
                "wechat": self.wechat,
            }
            provider = both[name]
            with self.lock:
                before = len(provider.outbox)
                if deed == "fault":
                    provider.faults.then(Fault(what))
                else:
                    deeds: dict[str, Callable[[str], None]] = {
                        "scan": self.alipay.scan,
                        "pay": provider.pay,
                        "give_up": provider.give_up,
                    }
                    deeds[deed](what)
                letters = provider.outbox[before:]
        except (KeyError, ValueError):
            return Reply(404, _JSON, b"{}")
        sent_at = time.perf_counter()
        if self.deliver:
            for letter in letters:
                threading.Thread(target=post, args=(letter,), daemon=True).start()
        return Reply(204, {"sent-at": f"{sent_at:.6f}"}, b"")

    def _wallet(self, number: str) -> Reply:
        """Show what opens behind a code of Alipay's: the trade exists from now on, a button pays it."""
        self.alipay.scan(number)
        page = _WALLET.format(number=number)
        return Reply(200, {"content-type": "text/html; charset=utf-8"}, page.encode())

    def _authorize(self, query: dict[str, list[str]]) -> Reply:
        """Send a phone back with a code for who it is, as WeChat's OAuth does without asking."""
        code = secrets.token_hex(8)
        self.wechat.openids[code] = "o-anna"
        back = urlencode({"code": code, "state": query.get("state", [""])[0]})
        return Reply(302, {"location": f"{query['redirect_uri'][0]}?{back}"}, b"")

    def _state(self) -> dict[str, dict[str, str]]:
        with self.lock:
            return {
                "alipay": {each.out_trade_no: each.status for each in self.alipay.trades.values()},
                "wechat": {each.out_trade_no: each.state for each in self.wechat.orders.values()},
            }


def post(letter: Letter) -> bool:
    """Deliver a letter, three times at most; True once it was taken."""
    for _ in range(_TRIES):
        request = urllib.request.Request(  # noqa: S310 - an address of the shop under test
            letter.url, letter.body, dict(letter.headers), method="POST"
        )
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer,  # noqa: S310
        ):
            if answer.status == 204 or answer.read() == b"success":
                return True
    return False


@contextmanager
def serving(
    make: Callable[[str], Providers], *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[tuple[str, Providers]]:
    """Serve what `make` returns for the base address, until the block ends."""
    server = ThreadingHTTPServer((host, port), _Handler)
    server.daemon_threads = True
    base = f"http://{host}:{server.server_address[1]}"
    providers = make(base)
    _Handler.providers[server.server_address[1]] = providers
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="providers")
    thread.start()
    try:
        yield base, providers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        del _Handler.providers[server.server_address[1]]


class _Handler(BaseHTTPRequestHandler):
    """One connection of a shop."""

    protocol_version = "HTTP/1.1"
    providers: ClassVar[dict[int, Providers]] = {}

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            reply = self.providers[self.connection.getsockname()[1]].answer(
                self.command, self.path, dict(self.headers.items()), body
            )
        except Lost:
            self.close_connection = True  # and not a byte of an answer
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = _serve  # noqa: N815 - the names the library looks for

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the shop logs."""
