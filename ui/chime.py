"""The sound of a payment, through whatever player the system has; silence where there is none.

Found when it is first needed and run as a process of its own, so no sound library is loaded at start
and no broken sound card can hold up a sale.
"""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache

from PySide6.QtCore import QProcess

import resources

_PLAYERS = {
    "linux": (("pw-play",), ("paplay",), ("aplay", "-q")),
    "darwin": (("afplay",),),
    "win32": (("powershell", "-NoProfile", "-Command"),),
}


def play(name: str) -> None:
    """Start playing `resources/sounds/<name>.wav` and return at once."""
    command = _player()
    file = resources.path("sounds", f"{name}.wav")
    if not command or not file.exists():
        return
    program, *options = command
    if program == "powershell":
        options.append(f"(New-Object Media.SoundPlayer '{file}').PlaySync()")
    else:
        options.append(str(file))
    QProcess.startDetached(program, options)


@cache
def _player() -> tuple[str, ...]:
    """Return the first player this system has; none where nobody could hear it."""
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return ()
    for command in _PLAYERS.get(sys.platform, ()):
        if shutil.which(command[0]):
            return command
    return ()
