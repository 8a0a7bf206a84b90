"""A real Secret Service: the key survives the session, and a locked keyring gets no second key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")),
    reason="needs gnome-keyring-daemon and dbus-run-session",
)

UNLOCKED = (
    'eval "$(printf "%s\\n" "$PASSWORD" | gnome-keyring-daemon --unlock --components=secrets)"; '
)
LOCKED = 'eval "$(gnome-keyring-daemon --start --components=secrets)"; '


def in_session(home: Path, step: str, *, start: str = UNLOCKED, password: str = "pw") -> str:
    """Run one step of a till in a D-Bus session of its own and return what it says."""
    runtime = home / "run"
    runtime.mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHON_KEYRING_BACKEND", "DISPLAY", "DBUS_SESSION_BUS_ADDRESS")
    }
    environment |= {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_RUNTIME_DIR": str(runtime),
        "PASSWORD": password,
        "PYTHONPATH": str(ROOT),
    }
    # The daemon outlives the shell unless it is told to go; its own bus ends with the session.
    script = start + '"$0" -m tests.devices.real_keyring "$1" "$2"; kill $GNOME_KEYRING_PID 2>&-; :'
    done = subprocess.run(
        ["dbus-run-session", "--", "bash", "-c", script, sys.executable, step, str(home / "till")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip().splitlines()[-1]


def test_a_key_kept_by_the_secret_service_is_there_in_the_next_session(tmp_path: Path):
    made = in_session(tmp_path, "make")
    assert made.startswith("keyring ")
    assert in_session(tmp_path, "find") == made
    assert not (tmp_path / "till" / "keys").exists()


def test_a_locked_secret_service_is_no_absent_key(tmp_path: Path):
    made = in_session(tmp_path, "make")
    said = in_session(tmp_path, "find", start=LOCKED)
    assert said.startswith("store_key_locked ")
    assert in_session(tmp_path, "find") == made


def test_a_till_first_started_beside_a_locked_keyring_opens_with_a_file(tmp_path: Path):
    in_session(tmp_path, "make")
    shutil.rmtree(tmp_path / "till")
    assert in_session(tmp_path, "make", start=LOCKED).startswith("file ")
