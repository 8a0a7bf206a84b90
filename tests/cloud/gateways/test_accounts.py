"""Merchant accounts on disk: what is refused and in which words, keys that change while the cloud serves."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from cloud.__main__ import main
from cloud.bootstrap import wall_clock
from cloud.fakes.furnish import Furnished, furnish
from cloud.fakes.serve import serving
from cloud.gateways import connect as connecting
from cloud.gateways.accounts import AccountUnfit, Watched, read, written
from cloud.gateways.base import Standing
from cloud.gateways.checkup import examine
from cloud.gateways.connect import Tools, connect
from cloud.gateways.line import open_line
from cloud.gateways.numbers import order_number
from cloud.gateways.sandbox import SandboxGateway
from cloud.gateways.signing.certificates import alipay_serial
from tests.cloud.gateways.benches import certificate, charge, pem
from tests.cloud.gateways.records import made_key, private_text, public_text

TOOLS = Tools(
    line=lambda ask: pytest.fail("nobody may be asked"),
    now_ms=wall_clock,
    booked=lambda name, key: (),
    tenant="t1",
    public_url="https://pay.example",
)


def write(folder: Path, name: str, text: str, mode: int = 0o600) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def alipay(folder: Path, **changed: str) -> None:
    write(folder, "app.key", private_text(made_key("shop at alipay")))
    write(folder, "alipay.pub", public_text(made_key("alipay")))
    values = {
        "provider": "alipay",
        "app_id": "2021",
        "private_key": "file:app.key",
        "alipay_public_key": "file:alipay.pub",
    } | changed
    write(folder, "alipay.toml", "".join(f'{key} = "{value}"\n' for key, value in values.items()))


def wechat(folder: Path, **changed: str) -> None:
    write(folder, "apiclient_key", private_text(made_key("shop at wechat")))
    write(folder, "apiclient_cert", pem(certificate("shop at wechat")))
    write(folder, "wechat.pub", public_text(made_key("wechat")))
    values = {
        "provider": "wechat",
        "mchid": "1900000001",
        "appid": "wx88",
        "private_key": "file:apiclient_key",
        "certificate": "file:apiclient_cert",
        "public_key_id": "PUB_KEY_ID_01",
        "public_key": "file:wechat.pub",
        "api_v3_key": "k" * 32,
    } | changed
    write(folder, "wechat.toml", "".join(f'{key} = "{value}"\n' for key, value in values.items()))


def why(folder: Path, name: str) -> str:
    with pytest.raises(AccountUnfit) as refused:
        connect(folder, name, TOOLS)
    return str(refused.value)


def test_well_written_accounts_open(tmp_path):
    alipay(tmp_path)
    wechat(tmp_path)
    assert written(tmp_path) == ["alipay", "wechat"]
    for name in written(tmp_path):
        assert connect(tmp_path, name, TOOLS).name == name


def test_certificate_mode_opens(tmp_path):
    write(tmp_path, "app.crt", pem(certificate("shop at alipay")))
    write(tmp_path, "alipay.crt", pem(certificate("alipay")))
    write(tmp_path, "root.crt", pem(certificate("root")))
    crts = {"app_cert": "file:app.crt", "alipay_cert": "file:alipay.crt"}
    alipay(tmp_path, root_cert="file:root.crt", **crts)
    assert connect(tmp_path, "alipay", TOOLS).name == "alipay"
    write(tmp_path, "app.crt", pem(certificate("another")))
    assert why(tmp_path, "alipay") == "app_cert does not belong to private_key"


def certified(folder: Path, **more: str) -> None:
    """An account at Alipay in certificate mode."""
    for name in ("shop at alipay", "alipay", "next alipay", "root"):
        write(folder, f"{name.replace(' ', '-')}.crt", pem(certificate(name)))
    files = {"app_cert": "shop-at-alipay", "alipay_cert": "alipay", "root_cert": "root"} | more
    alipay(folder, **{key: f"file:{name}.crt" for key, name in files.items()})


def test_two_certificates_of_alipay_are_believed_while_it_changes_its_own(tmp_path):
    certified(tmp_path, next_alipay_cert="next-alipay")
    keys = connecting.alipay_account(read(tmp_path, "alipay"), TOOLS).keys
    assert set(keys) == {alipay_serial(certificate(name)) for name in ("alipay", "next alipay")}


def test_two_public_keys_of_wechat_are_believed_while_it_changes_its_own(tmp_path):
    write(tmp_path, "next.pub", public_text(made_key("next wechat")))
    wechat(tmp_path, next_public_key_id="PUB_KEY_ID_02", next_public_key="file:next.pub")
    account = connecting.wechat_account(read(tmp_path, "wechat"), TOOLS)
    assert (list(account.keys), account.public_key_id) == (
        ["PUB_KEY_ID_01", "PUB_KEY_ID_02"],
        "PUB_KEY_ID_01",
    )


@pytest.mark.parametrize(("days", "verdict"), [(61, "ok"), (59, "warning"), (-1, "error")])
def test_the_check_warns_before_a_certificate_ends(tmp_path, days: int, verdict: str):
    certified(tmp_path)
    end = certificate("alipay").not_valid_after_utc
    now_ms = int((end - timedelta(days=days)).timestamp() * 1000)
    tools = replace(TOOLS, now_ms=lambda: now_ms)
    found = [each for each in examine(tmp_path, "alipay", tools, ask=False) if "_cert" in each.text]
    assert {each.verdict.value for each in found} <= {verdict}
    assert [each.text.split()[0] for each in found] == (
        [] if verdict == "ok" else ["alipay_cert", "app_cert"]
    )
    certified(tmp_path, next_alipay_cert="next-alipay")
    texts = [each.text for each in examine(tmp_path, "alipay", tools, ask=False)]
    assert not any(text.startswith("alipay_cert") for text in texts)


def test_a_key_may_come_from_the_environment(tmp_path, monkeypatch):
    alipay(tmp_path, private_key="env:SHOP_KEY")
    assert why(tmp_path, "alipay") == "private_key: the variable SHOP_KEY is not set"
    monkeypatch.setenv("SHOP_KEY", private_text(made_key("shop at alipay")))
    assert connect(tmp_path, "alipay", TOOLS).name == "alipay"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"app_id": ""}, "app_id is missing"),
        ({"private_key": "file:gone.key"}, "private_key: gone.key cannot be read"),
        ({"private_key": "MIIEvgsecret"}, "the private key cannot be read"),
        (
            {"alipay_public_key": "file:own.pub"},
            "alipay_public_key is the app's own public key; Alipay's is needed",
        ),
        (
            {"gateway_url": "http://openapi.alipay.com/gateway.do"},
            "gateway_url must begin with https://",
        ),
        ({"gateway_url": "http://127.0.0.1.example/"}, "gateway_url must begin with https://"),
        ({"provider": "paypal"}, "provider paypal is not known; ours are alipay, wechat, emvco"),
    ],
)
def test_what_is_wrong_with_an_account_at_alipay_is_said(tmp_path, changed, said):
    write(tmp_path, "own.pub", public_text(made_key("shop at alipay")))
    alipay(tmp_path, **changed)
    assert why(tmp_path, "alipay") == said
    assert "secret" not in why(tmp_path, "alipay")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"api_v3_key": "short"}, "api_v3_key has 5 bytes, it must have 32"),
        ({"base_url": "http://api.mch.weixin.qq.com"}, "base_url must begin with https://"),
        ({"base_url": "api.mch.weixin.qq.com"}, "base_url must begin with https://"),
        ({"oauth_url": "https://"}, "oauth_url must begin with https://"),
        ({"public_key_id": "7777"}, "public_key_id must begin with PUB_KEY_ID_"),
        ({"certificate": "file:wechat.pub"}, "the file holds no certificate"),
    ],
)
def test_what_is_wrong_with_an_account_at_wechat_is_said(tmp_path, changed, said):
    wechat(tmp_path, **changed)
    assert why(tmp_path, "wechat") == said


def test_a_foreign_certificate_is_noticed(tmp_path):
    wechat(tmp_path)
    write(tmp_path, "apiclient_cert", pem(certificate("another")))
    assert why(tmp_path, "wechat") == "certificate does not belong to private_key"


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
@pytest.mark.parametrize("name", ["alipay.toml", "app.key"])
def test_a_file_others_can_read_is_refused(tmp_path, name):
    alipay(tmp_path)
    (tmp_path / name).chmod(0o640)
    assert f"{name} can be read by others (mode 640, must be 600)" in why(tmp_path, "alipay")


def test_a_broken_file_is_named_without_its_contents(tmp_path):
    write(tmp_path, "alipay.toml", 'private_key = "secret')
    assert why(tmp_path, "alipay") == "alipay.toml is not TOML"
    assert why(tmp_path, "none") == "none.toml cannot be read"


def test_nothing_that_is_printed_shows_a_key(tmp_path):
    alipay(tmp_path)
    wechat(tmp_path)
    held = read(tmp_path, "wechat")
    shown = repr(held) + repr(connecting.wechat_account(held, TOOLS))
    shown += repr(connecting.alipay_account(read(tmp_path, "alipay"), TOOLS))
    assert "k" * 32 not in shown
    assert "PRIVATE" not in shown


EMVCO = """
provider = "emvco"
template = "26"
currency = "CNY"
country = "CN"
merchant_name = "MOLAN"
city = "SHANGHAI"
webhook_secret = "w"
[scheme]
00 = "com.example.pay"
01 = "M1"
"""


def test_an_emvco_account_opens_and_its_limits_are_said(tmp_path):
    write(tmp_path, "bank.toml", EMVCO)
    gateway = connect(tmp_path, "bank", TOOLS)
    assert gateway.create(charge(1_234)).url.startswith("00020101021226")
    for old, new, said in (
        ('"26"', '"62"', "template must be a number from 26 to 51"),
        ('"CNY"', '"XXX"', "currency XXX is not known; known are CNY, GBP, EUR, USD, JPY"),
        ("00 =", "02 =", "scheme needs 00, the scheme's globally unique identifier"),
    ):
        write(tmp_path, "bank.toml", EMVCO.replace(old, new))
        assert why(tmp_path, "bank") == said


def test_a_plugin_brings_a_provider_of_its_own(tmp_path, monkeypatch):
    write(tmp_path, "ours.toml", 'provider = "elsewhere"')
    point = EntryPoint(
        "elsewhere", "tests.cloud.gateways.test_accounts:FromElsewhere", "guidepos.gateways"
    )
    monkeypatch.setattr(connecting, "entry_points", lambda group: [point])
    opened = connect(tmp_path, "ours", TOOLS)
    assert isinstance(opened, FromElsewhere)
    assert (opened.folder, opened.name) == (tmp_path, "ours")


class FromElsewhere(SandboxGateway):
    """What a plugin's entry point leads to."""

    def __init__(self, folder: Path, name: str, tools: Tools) -> None:
        assert tools is TOOLS
        self.folder = folder
        self.name = name


def test_changed_keys_count_without_a_restart_and_broken_ones_do_not(tmp_path, caplog):
    alipay(tmp_path)
    account = Watched(tmp_path, "alipay", lambda found: connecting.alipay_account(found, TOOLS))
    first = account()
    assert account() is first
    write(tmp_path, "app.key", private_text(made_key("next")))
    assert account().key.private_numbers() == made_key("next").private_numbers()
    second = account()
    with caplog.at_level(logging.ERROR):
        write(tmp_path, "app.key", "half a key")
        assert account() is second
        assert account() is second
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
    assert "half a key" not in caplog.text
    write(tmp_path, "app.key", private_text(made_key("shop at alipay")))
    assert account().key.private_numbers() == made_key("shop at alipay").private_numbers()


@pytest.fixture(scope="module")
def furnished() -> Furnished:
    return furnish()


def check(capsys: pytest.CaptureFixture[str], data: Path, *more: str) -> tuple[int, str]:
    capsys.readouterr()
    status = main(["gateway", "check", "--data", str(data), *more])
    return status, capsys.readouterr().out


def test_the_check_asks_providers_and_says_what_is_wrong(tmp_path, capsys, furnished):
    with serving(lambda base: furnished.providers(base, wall_clock)) as (base, providers):
        status, said = check(capsys, tmp_path)
        assert (status, "only the sandbox" in said) == (0, True)
        furnished.write(tmp_path / "gateways", base)
        status, said = check(capsys, tmp_path, "--public-url", "https://pay.example")
        assert status == 0, said
        assert said.count("the provider believes our signature and we believe its") == 2
        assert "wechat: ok: notifications come to https://pay.example/notify/wechat" in said
        providers.alipay.app_id = "another"
        status, said = check(capsys, tmp_path)
        assert status == 1
        assert "alipay: error: no answer to be believed: alipay.trade.query: signature" in said
        assert "wechat: warning: notifications need a public https address" in said
        status, said = check(capsys, tmp_path, "--offline", "--json")
        assert (status, '"verdict": "error"' in said) == (0, False)


def test_an_account_behind_a_dead_address_has_no_answer(tmp_path, capsys, furnished):
    with serving(lambda base: furnished.providers(base, wall_clock)) as (base, _):
        furnished.write(tmp_path / "gateways", base)
    status, said = check(capsys, tmp_path)
    assert status == 1
    assert "wechat: error: no answer to be believed" in said
    assert "ConnectionError" in said


def test_over_a_real_line_everything_holds_too(tmp_path, furnished, monkeypatch):
    netrc = write(tmp_path, "netrc", "machine 127.0.0.1 login a password b")
    monkeypatch.setenv("NETRC", str(netrc))  # must not replace what we sign
    tools = Tools(open_line(), wall_clock, TOOLS.booked, "t1", "http://127.0.0.1:1")
    with serving(lambda base: furnished.providers(base, wall_clock)) as (base, providers):
        providers.deliver = False
        furnished.write(tmp_path / "accounts", base)
        for name in ("alipay", "wechat"):
            gateway = connect(tmp_path / "accounts", name, tools)
            asked = charge(expires_ms=wall_clock() + 300_000)
            gateway.create(asked)
            number = order_number(asked.attempt)
            assert providers.answer("POST", f"/control/{name}/pay/{number}", {}, b"").status == 204
            answer = gateway.query(asked.attempt)
            assert (answer.standing, answer.money[0].amount) == (Standing.PAID, asked.amount)
