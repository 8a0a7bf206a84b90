"""`guidepos-cloud` as a program: serves on a free port, stops when asked, enrols, loads, exports."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.wire.messages import PullAnswer
from cloud.__main__ import main
from tests.cloud.device import a_sale, enrolled
from tests.cloud.served import client_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    port_file = tmp_path / "port"
    arguments = [
        "serve",
        "--data",
        str(tmp_path / "c"),
        "--port",
        "0",
        "--port-file",
        str(port_file),
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "cloud", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        assert said == f"listening on http://127.0.0.1:{port_file.read_text()}"
        yield said.removeprefix("listening on ")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_a_server_on_a_leash_ends_when_its_parent_lets_go(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cloud", "serve", "--data", str(tmp_path), "--port", "0"]
    with subprocess.Popen(
        [*command, "--with-parent"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline().startswith("listening on ")
        process.stdin.close()
        assert process.wait(timeout=20) == 0


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out.strip()


def test_a_bare_till_enrols_at_a_server_started_with_no_data(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", str(tmp_path / "c"))
    made = json.loads(run(capsys, "enrol-code", "--store", "X", "--json", *data))
    assert made["store"] == "X"
    with client_of(address) as client:
        device = enrolled(client, made["code"])
        assert device.me.public_url == address
        device.write("sale", a_sale((100,), reference="581000"))
        assert device.push().hwm == 1
    out = tmp_path / "out.csv"
    assert json.loads(run(capsys, "export", "sales", "--json", *data, str(out))) == {"invoices": 1}
    assert out.read_bytes() == b"invoice,net_minor\r\n581000,100\r\n"


def test_the_demo_shop_is_loaded_once_and_a_till_of_it_finds_everything(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", str(tmp_path / "c"))
    size = ("--styles", "4", "--members", "30", "--json")
    loaded = json.loads(run(capsys, "demo-data", *size, *data))
    assert loaded["members"] == 30
    code = run(capsys, "enrol-code", "--store", "S01", *data)
    with client_of(address) as client:
        device = enrolled(client, code)
        rows, cursor = {}, ""
        for stream in ("config", "people", "catalog", "stock"):
            answer = device.get("/v1/sync/pull", PullAnswer, stream=stream, limit=2_000)
            rows[stream] = len(answer.rows)
            cursor = answer.cursor
        assert rows["config"] == 1
        assert (rows["catalog"], rows["stock"]) == (loaded["skus"], loaded["stock"])
        assert 0 < rows["people"] < loaded["people"]
        assert json.loads(run(capsys, "demo-data", *size, *data)) == loaded
        again = device.get("/v1/sync/pull", PullAnswer, stream="stock", cursor=cursor)
        assert again.rows == []


def test_migrate_can_be_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert run(capsys, "migrate", "--data", str(tmp_path)) == "the database is up to date"


def test_what_is_wrong_is_said_and_the_status_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "migrate", "--data", str(tmp_path))
    (tmp_path / "cloud.db.key").unlink()
    assert main(["migrate", "--data", str(tmp_path)]) == 1
    assert "store_key_missing" in capsys.readouterr().err


def test_what_cannot_be_done_is_one_line_and_not_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path / "c")]
    taken = tmp_path / "key"
    taken.touch()
    for arguments in (
        ["enrol-code", *data, "--store", "上海/1"],
        ["store-key", *data, "--device", "nobody", "--out", str(taken)],
        ["export", "sales", *data, str(tmp_path / "no" / "such" / "folder.csv")],
    ):
        assert main(arguments) == 1
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
