"""A proxy of our own between a till and a cloud on this machine: it reads one request after another and
lets a toxic decide what becomes of it. Knows HTTP's framing and nothing of what is said.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

CHUNK = 65_536
UPSTREAM_S = 30.0
"""The cloud of a test that takes longer than this to answer is broken."""
_RESET = struct.pack("ii", 1, 0)


class HungUp(Exception):  # noqa: N818 - an end, not an error
    """One of the two sides, or a toxic, ended the connection."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came: `head` ends with the blank line."""

    method: str
    path: str
    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        """The whole request."""
        return self.head + self.body

    def header(self, name: str) -> str:
        """Return a header's value, "" if it is absent."""
        return _header(self.head, name)


@dataclass(slots=True)
class Exchange:
    """One request in the hands of a toxic, which forwards and answers as it likes."""

    line: Line
    asked: Asked
    till: socket.socket
    rng: Random

    def forward(self, raw: bytes | None = None) -> bytes:
        """Bring the request (or these bytes) to the cloud and return its whole answer."""
        with closing(self.line.dial()) as cloud:
            cloud.sendall(self.asked.raw if raw is None else raw)
            return _read_message(cloud)

    def forward_part(self, raw: bytes) -> None:
        """Bring these bytes to the cloud and hang up on it."""
        with closing(self.line.dial()) as cloud:
            cloud.sendall(raw)

    def say(self, data: bytes) -> None:
        """Send bytes to the till."""
        self.till.sendall(data)

    def pause(self, seconds: float) -> None:
        """Wait; the line's end cuts it short."""
        if self.line.ending.wait(seconds):
            raise HungUp

    def hang_up(self) -> None:
        """End the connection in good order."""
        raise HungUp

    def reset(self) -> None:
        """End the connection as a router does that has lost it."""
        self.till.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        raise HungUp


Toxic = Callable[[Exchange], None]


def pass_on(exchange: Exchange) -> None:
    """Do no harm."""
    exchange.say(exchange.forward())


Prove = Callable[[str, int, bytes], str]


@dataclass
class Line:
    """A proxy before a port of this machine. `choose` is asked what to do with each request."""

    port: int
    rng: Random
    prove: Prove
    """The cloud's own proof, for toxics that speak for it."""
    choose: Callable[[Asked], Toxic] = lambda asked: pass_on
    tls: ssl.SSLContext | None = None
    seen: list[Asked] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)
    """The last whole answer to each path."""
    held: list[bytes] = field(default_factory=list)
    """Requests that got stuck on the way and come late."""
    ending: threading.Event = field(default_factory=threading.Event)
    bugs: list[Exception] = field(default_factory=list)
    _listening: socket.socket = field(
        default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=64)
    )
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def own_port(self) -> int:
        """Where a till reaches the line."""
        port: int = self._listening.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where a till reaches the cloud over this line."""
        scheme, host = ("https", "localhost") if self.tls else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self.own_port}"

    def dial(self) -> socket.socket:
        """Connect to the cloud."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=UPSTREAM_S)

    def heal(self) -> None:
        """From now on do no harm; what got stuck arrives now."""
        self.choose = lambda asked: pass_on
        self.deliver_held()

    def deliver_held(self) -> None:
        """Bring what got stuck to the cloud; nobody hears its answers."""
        late, self.held = self.held, []
        for raw in late:
            with closing(self.dial()) as cloud:
                cloud.sendall(raw)
                _read_message(cloud)

    def serve(self) -> None:
        """Take connections until the line is taken down."""
        with suppress(OSError):
            while True:
                till, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(till,), daemon=True).start()

    def cut_all(self) -> None:
        """Break every open connection."""
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def down(self) -> None:
        """Take the line down with everything on it."""
        self.ending.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut_all()

    def _carry(self, plain: socket.socket) -> None:
        try:
            till = self.tls.wrap_socket(plain, server_side=True) if self.tls else plain
        except OSError:  # the till did not like our certificate
            plain.close()
            return
        with self._lock:
            self._open.add(till)
        try:
            with suppress(OSError, HungUp):
                while (asked := _read_request(till)) is not None:
                    self._handle(asked, till)
        except Exception as bug:  # a toxic with a mistake in it must fail the test
            self.bugs.append(bug)
        finally:
            with self._lock:
                self._open.discard(till)
            till.close()

    def _handle(self, asked: Asked, till: socket.socket) -> None:
        with self._lock:
            self.seen.append(asked)
            toxic = self.choose(asked)
        toxic(Exchange(self, asked, till, self.rng))


@contextmanager
def line_to(
    port: int, *, prove: Prove, seed: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Line]:
    """Put a line before a port of this machine for the length of a block. A toxic's bug fails it."""
    line = Line(port, Random(seed), prove, tls=tls)
    carrying = threading.Thread(target=line.serve, name="line", daemon=True)
    carrying.start()
    try:
        yield line
    finally:
        line.down()
        carrying.join(timeout=10)
    if line.bugs:
        raise line.bugs[0]


def _read_request(till: socket.socket) -> Asked | None:
    """Read the next request; None when the till has gone."""
    raw = _read_message(till, empty_is_end=True)
    if not raw:
        return None
    head, _, body = raw.partition(b"\r\n\r\n")
    method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    return Asked(method, path, head + b"\r\n\r\n", body)


def _read_message(peer: socket.socket, *, empty_is_end: bool = False) -> bytes:
    """Read one HTTP message framed by Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(CHUNK)
        if not more:
            if empty_is_end and not data:
                return b""
            raise HungUp
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    missing = int(_header(head, "content-length") or 0) - len(body)
    parts = [data]
    while missing > 0:
        more = peer.recv(CHUNK)
        if not more:
            raise HungUp
        parts.append(more)
        missing -= len(more)
    return b"".join(parts)


def _header(head: bytes, name: str) -> str:
    wanted = name.lower().encode()
    for row in head.split(b"\r\n")[1:]:
        key, _, value = row.partition(b":")
        if key.strip().lower() == wanted:
            return value.strip().decode("latin-1")
    return ""
