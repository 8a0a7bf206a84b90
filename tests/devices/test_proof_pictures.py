"""The proof's QR as a camera sees it on a customer's phone: near, far, tilted, grainy, out of focus. What is
read at all is the very text that was signed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image, ImageDraw, ImageFilter

from app.devices.qr import QrCodeMaker
from app.domain.ids import new_epoch, new_id
from app.wire.proofs import Proof, read_proof
from app.wire.tokens import new_nonce

KEY = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
KEYS = {"s0badcafe": KEY.public_key().public_bytes_raw()}
QR: Any = [zxingcpp.BarcodeFormat.QRCode]
PICTURES, EACH = 520, 13
FRAME = (960, 640)
QUIET = 4


def test_every_picture_that_is_read_verifies_and_most_are_read() -> None:
    chance = random.Random(20)
    told: Counter[str] = Counter()
    for number in range(PICTURES):
        if number % EACH == 0:  # drawing a symbol costs more than all pictures of it
            proof = a_proof(chance)
            text = proof.sign("s0badcafe", KEY)
            glass = screen(text, dark=bool(number // EACH % 2))
        picture = seen_by_camera(glass, chance)
        found = zxingcpp.read_barcodes(picture, formats=QR)
        codes = [code.text for code in found if code.valid]
        told["read" if codes else "missed"] += 1
        for read in codes:
            assert read == text, number
            assert read_proof(read).verify(KEYS) == proof, number
    print(f"proof pictures: {dict(told)}")  # noqa: T201 - the measured figure is for people
    assert told["read"] >= 0.8 * PICTURES


def a_proof(chance: random.Random) -> Proof:
    proof = Proof(
        attempt_id=new_id(),
        device=new_epoch(),
        nonce=new_nonce(),
        amount=chance.randrange(100, 10**7),
        currency="CNY",
        provider="alipay",
        provider_ref="",
        paid_s=1_760_000_000 + chance.randrange(10**6),
        expires_s=1_762_000_000,
    )
    digits = "".join(chance.choice("0123456789") for _ in range(28))
    return replace(proof, provider_ref=digits)


def screen(text: str, *, dark: bool) -> Image.Image:
    """Return a phone's screen with the code big on a white card, in light or dark, 4 px a module."""
    rows = QrCodeMaker().make(text).rows
    side = len(rows) + 2 * QUIET
    code = Image.new("L", (side, side), 255)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                code.putpixel((x + QUIET, y + QUIET), 0)
    code = code.resize((side * 4, side * 4), Image.Resampling.NEAREST)
    glass = Image.new("L", (side * 4 + 60, side * 7), 24 if dark else 242)
    ImageDraw.Draw(glass).rectangle((30, 60, glass.width - 30, 110), fill=128)
    glass.paste(code, (30, 150))
    return glass


def seen_by_camera(glass: Image.Image, chance: random.Random) -> Image.Image:
    """Return a frame with the phone somewhere in it: scaled, tilted, blurred, noisy, not quite white."""
    scale = chance.uniform(0.75, 1.5) * 0.62
    size = (round(glass.width * scale), round(glass.height * scale))
    phone = glass.resize(size, Image.Resampling.BILINEAR)
    phone = phone.rotate(
        chance.uniform(-25, 25), Image.Resampling.BILINEAR, expand=True, fillcolor=90
    )
    frame = Image.new("L", FRAME, 90)
    x = chance.randint(min(0, FRAME[0] - phone.width), max(0, FRAME[0] - phone.width))
    y = (FRAME[1] - phone.height) // 2
    frame.paste(phone, (x, y))
    frame = frame.filter(ImageFilter.GaussianBlur(chance.uniform(0, 1.1)))
    noise = Image.effect_noise(FRAME, chance.uniform(5, 45))
    frame = Image.blend(frame, noise, chance.uniform(0.0, 0.25))
    low, high = chance.randint(0, 50), chance.randint(190, 255)
    return frame.point([round(low + value * (high - low) / 255) for value in range(256)])
