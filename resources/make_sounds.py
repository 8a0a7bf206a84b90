"""Makes `sounds/*.wav` from sine waves; run by hand when a sound changes.

Each sound is a few struck notes: a soft attack, an exponential fall and a little second and third
harmonic, so that it carries over shop noise without being shrill. 16-bit mono, 22,050 Hz.
"""

from __future__ import annotations

import math
import wave
from array import array
from pathlib import Path
from typing import NamedTuple

RATE = 22_050
FOLDER = Path(__file__).resolve().parent / "sounds"


class Note(NamedTuple):
    """One struck note: when it starts, its pitch, how fast it falls and how loud it is."""

    start_s: float
    hertz: float
    fall_s: float
    loudness: float


SOUNDS: dict[str, tuple[float, tuple[Note, ...]]] = {
    # Rising major chord, the top note held: "paid" is heard across the counter.
    "paid": (
        1.15,
        (
            Note(0.00, 523.25, 0.22, 0.30),
            Note(0.09, 659.26, 0.24, 0.30),
            Note(0.18, 783.99, 0.28, 0.30),
            Note(0.29, 1046.50, 0.42, 0.38),
        ),
    ),
    # One short bright tick per scan; short enough for three scans a second.
    "scan": (0.16, (Note(0.0, 1318.51, 0.045, 0.42), Note(0.0, 1975.53, 0.03, 0.14))),
    # Two falling low notes: wrong without alarm.
    "error": (0.55, (Note(0.0, 311.13, 0.14, 0.46), Note(0.17, 233.08, 0.20, 0.50))),
}
ATTACK_S = 0.006
HARMONICS = ((1, 1.0), (2, 0.22), (3, 0.07))


def sample(notes: tuple[Note, ...], at_s: float) -> float:
    """Height of the wave at `at_s`, about -1 to 1."""
    height = 0.0
    for note in notes:
        age = at_s - note.start_s
        if age < 0:
            continue
        strength = note.loudness * min(1.0, age / ATTACK_S) * math.exp(-age / note.fall_s)
        for harmonic, share in HARMONICS:
            height += strength * share * math.sin(math.tau * note.hertz * harmonic * age)
    return height


def write(name: str, length_s: float, notes: tuple[Note, ...]) -> None:
    """Write one WAV; its last 20 ms fade to silence so that it ends without a click."""
    count = round(length_s * RATE)
    heights = [
        sample(notes, k / RATE) * min(1.0, (count - k) / (0.02 * RATE)) for k in range(count)
    ]
    frames = array("h", (round(max(-1.0, min(1.0, h)) * 32_000) for h in heights))
    with wave.open(str(FOLDER / f"{name}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(frames.tobytes())


if __name__ == "__main__":
    for each, (length, played) in SOUNDS.items():
        write(each, length, played)
