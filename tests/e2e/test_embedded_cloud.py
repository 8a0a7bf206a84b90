"""The cloud of the demo lives exactly as long as the till that started it."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

PARENT = """
import sys
from pathlib import Path
from guidepos.embedded_cloud import EmbeddedCloud
cloud = EmbeddedCloud(Path(sys.argv[1]))
cloud.start()
print(cloud.process_id, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process not its own")
def test_the_embedded_cloud_ends_with_a_till_that_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        cloud = os.pidfd_open(int(parent.stdout.readline()))
        try:
            parent.kill()
            ended, _, _ = select.select([cloud], [], [], 20)
            assert ended, (tmp_path / "serve.log").read_text()
        finally:
            os.close(cloud)
            with contextlib.suppress(BrokenPipeError):
                parent.communicate()
