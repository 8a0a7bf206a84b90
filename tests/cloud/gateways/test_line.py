"""What the line to a provider takes for an answer, over real sockets: all of it, and in time."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cloud.gateways import line
from cloud.gateways.line import Ask, LineBroken, open_line

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"


@contextmanager
def answering(*pieces: bytes, drips: bytes = b"") -> Iterator[str]:
    """Serve one request with these pieces, and then a drop every moment until the block ends."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as here:
                here.recv(65_536)
                try:
                    for piece in pieces:
                        here.sendall(piece)
                    while drips and not over.wait(0.02):
                        here.sendall(drips)
                except OSError:
                    return  # nobody listens any more

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            over.set()
            thread.join()


def test_an_answer_in_pieces_is_whole():
    body = b"a" * 300_000
    head = HEAD + b"Content-Length: 300000\r\n\r\n"
    with answering(head, body[:1], body[1:200_000], body[200_000:]) as address:
        assert open_line()(Ask("GET", address)).body == body


def test_an_answer_in_chunks_and_packed_is_unpacked():
    body = gzip.compress("墨岚".encode())
    head = HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:])]
    with answering(head, *chunks, b"0\r\n\r\n") as address:
        assert open_line()(Ask("GET", address)).body.decode() == "墨岚"


def test_an_answer_that_ends_too_soon_is_none():
    head = HEAD + b"Content-Length: 10\r\n\r\n"
    with answering(head, b"short") as address, pytest.raises(LineBroken):
        open_line()(Ask("GET", address))


def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch):
    """Each drop comes well within the time between two pieces."""
    monkeypatch.setattr(line, "WHOLE_S", 0.2)
    head = HEAD + b"Content-Length: 100000\r\n\r\n"
    with (
        answering(head, drips=b"x") as address,
        pytest.raises(LineBroken, match="does not end"),
    ):
        open_line()(Ask("GET", address))
