"""A line to the cloud that loses answers on purpose: the request arrives and is done, the answer is
cut off. Knows TCP and the first line of a request, nothing of what is said."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

_CHUNK = 65_536


@dataclass
class BrokenLine:
    """A proxy before a server on this machine. `lose` arms it; `lost` are the answers it has cut."""

    port: int
    lost: list[str] = field(default_factory=list)
    is_cut: bool = False
    """Nothing goes through, as on a shop's line that is down."""
    _listening: socket.socket = field(
        default_factory=lambda: socket.create_server(("127.0.0.1", 0))
    )
    _armed: list[str] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where a till reaches the cloud over this line."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def lose(self, request: str, times: int = 1) -> None:
        """Cut the next answers to requests that begin so, "POST /v1/sync" say."""
        self._armed += [request] * times

    def cut(self) -> None:
        """Let nothing through any more, and break what is on its way."""
        self.is_cut = True
        for one in tuple(self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let everything through again."""
        self.is_cut = False

    def serve(self) -> None:
        """Carry bytes until the line is taken down."""
        with suppress(OSError):
            while True:
                till, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(till,), daemon=True).start()

    def down(self) -> None:
        """Take the line down with everything on it."""
        for one in (self._listening, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _carry(self, till: socket.socket) -> None:
        with closing(till), suppress(OSError):
            if self.is_cut:
                return
            cloud = socket.create_connection(("127.0.0.1", self.port))
            self._sockets += [till, cloud]
            with closing(cloud):
                state = _Conversation()
                back = threading.Thread(target=self._back, args=(cloud, till, state), daemon=True)
                back.start()
                while data := till.recv(_CHUNK):
                    state.cut = state.cut or self._take(data)
                    cloud.sendall(data)
                with suppress(OSError):
                    cloud.shutdown(socket.SHUT_WR)
                back.join()

    def _take(self, data: bytes) -> str:
        """Return the armed request these bytes begin, "" for none."""
        first = data.split(b"\r\n", 1)[0].decode("latin-1")
        for request in self._armed:
            if first.startswith(request):
                self._armed.remove(request)
                return first
        return ""

    def _back(self, cloud: socket.socket, till: socket.socket, state: _Conversation) -> None:
        with suppress(OSError):
            while data := cloud.recv(_CHUNK):
                if state.cut:
                    # The answer is here, so the cloud has done it; the till never hears of it.
                    self.lost.append(state.cut)
                    break
                till.sendall(data)
            till.shutdown(socket.SHUT_RDWR)


@dataclass
class _Conversation:
    """What both directions of one connection know: the request whose answer is to be cut."""

    cut: str = ""


@contextmanager
def broken_line(port: int) -> Iterator[BrokenLine]:
    """Put a line before a port of this machine for the length of a block."""
    line = BrokenLine(port)
    carrying = threading.Thread(target=line.serve, daemon=True)
    carrying.start()
    try:
        yield line
    finally:
        line.down()
        carrying.join(timeout=10)
