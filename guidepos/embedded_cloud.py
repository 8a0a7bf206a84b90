"""The demo's cloud: a subprocess of `guidepos-cloud` on this machine, never a thread of the till, so
that its memory and its interpreter lock stay out of the till. It ends with the till, however that
ends: a pipe to it closes with us."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from app.errors import Code, Trouble

START_SECONDS = 60
CALL_SECONDS = 300
"""Long enough to load the largest demo shop on a slow machine."""
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - only with --lan, so that a real phone can reach the demo


class EmbeddedCloud:
    """A running cloud. `url` is where the till talks to it."""

    def __init__(self, data: Path, *, host: str = "127.0.0.1", public_url: str = "") -> None:
        self.data = data
        self._host = host
        self._tunnel = self.public_url = public_url
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the till on this machine finds it."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def process_id(self) -> int:
        """The serving process, 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start serving; returns when it answers. The port stays the same between two starts."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        port_file = self.data / "port"
        self._port = self._port or _free_port(_last_port(port_file))
        port_file.unlink(missing_ok=True)  # the server writes it once it accepts requests
        self.public_url = self._tunnel or f"http://{_public_host(self._host)}:{self._port}"
        with (self.data / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *_cloud_command("serve"),
                    *("--data", str(self.data)),
                    *("--host", self._host),
                    *("--port", str(self._port), "--port-file", str(port_file)),
                    *("--public-url", self.public_url),
                    *("--with-parent", "--quiet"),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.PIPE,
            )
        self._await(port_file)

    def stop(self) -> None:
        """Stop serving; safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def load_demo(self, *, skus: int = 0, members: int = 0) -> None:
        """Put the demo shop into the cloud, unless it is there; larger than usual where asked for."""
        sizes = {"--skus": skus, "--members": members}
        wanted = [part for name, size in sizes.items() if size for part in (name, str(size))]
        self._call("demo-data", *wanted)

    def enrol_code(self, store: str) -> str:
        """Return a one-time code that enrols a till of a store."""
        return str(json.loads(self._call("enrol-code", "--store", store, "--json"))["code"])

    def _call(self, command: str, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [*_cloud_command(command), "--data", str(self.data), *arguments],
                capture_output=True,
                text=True,
                check=False,
                timeout=CALL_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise Trouble(Code.CLOUD_UNREACHABLE, detail=command) from error
        if done.returncode:
            raise Trouble(Code.CLOUD_REFUSED, detail=done.stderr.strip()[-200:])
        return done.stdout

    def _await(self, port_file: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            if port_file.exists():
                return
            time.sleep(0.02)
        raise Trouble(Code.CLOUD_UNREACHABLE, detail=f"see {self.data / 'serve.log'}")


def _cloud_command(command: str) -> list[str]:
    return [sys.executable, "-m", "cloud", command]


def _last_port(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0


def _free_port(wanted: int) -> int:
    """Return the wanted port if nobody has it, else a free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise Trouble(Code.CLOUD_UNREACHABLE, detail="no free port")


def _public_host(bound: str) -> str:
    """Return the address a phone on the same network would use for a server bound to all of them."""
    if bound != EVERY_ADDRESS:
        return bound
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # documentation address; UDP connect sends nothing
        return str(probe.getsockname()[0])
    return "127.0.0.1"


@contextlib.contextmanager
def embedded_cloud(
    data: Path, *, host: str = "127.0.0.1", public_url: str = ""
) -> Iterator[EmbeddedCloud]:
    """Run a cloud for the length of a block."""
    cloud = EmbeddedCloud(data, host=host, public_url=public_url)
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    try:
        cloud.start()
        yield cloud
    finally:
        cloud.stop()
