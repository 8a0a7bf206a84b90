"""`make torture`: the long profile of every layer, two at a time, and one page of counts.

A layer is a package beside this file that can be run (see tally.py); this file knows only their names.
Exit code 0 means: nothing lost, doubled, altered or stuck anywhere.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.torture.corpus import keep
from tests.torture.tally import HARMS, Failure, Tally

LAYERS = ("disk", "sim", "money", "kill", "proxy", "bootstrap")
"""The longest first, so that two cores are busy to the end."""
ROOT = Path(__file__).parents[2]
SUMMARY = ROOT / "docs" / "torture.json"


def present() -> list[str]:
    """Return the layers this tree has."""
    here = Path(__file__).parent
    return [layer for layer in LAYERS if (here / layer / "__main__.py").exists()]


def run_layer(layer: str, folder: Path, options: list[str]) -> Tally:
    """Run one layer in a process of its own; one that leaves no tally has failed."""
    out = folder / f"{layer}.json"
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", f"tests.torture.{layer}", "--out", str(out), *options]
    with (folder / f"{layer}.log").open("w", encoding="utf-8") as log:
        code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT, check=False)
    if out.exists():
        tally = Tally.read(out)
    else:
        tally = Tally(layer, failures=[Failure(None, f"no tally; see {log.name}")])
    if code.returncode and tally.is_clean:
        tally.failures.append(Failure(None, f"ended with {code.returncode}; see {log.name}"))
    return tally


def run_all(layers: list[str], folder: Path, options: list[str], workers: int) -> Iterator[Tally]:
    """Yield the tallies as the layers end."""
    with ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(run_layer, layer, folder, options) for layer in layers]
        for job in jobs:
            yield job.result()


def summary(tallies: list[Tally]) -> dict[str, dict[str, int]]:
    """Return what docs/RELIABILITY.md says of a run: counts that do not change with the machine."""
    return {
        tally.layer: {
            "runs": tally.runs,
            "faults": tally.injected,
            "records": tally.records,
            **{harm: getattr(tally, harm) for harm in HARMS},
        }
        for tally in sorted(tallies, key=lambda tally: tally.layer)
    }


def publish(tallies: list[Tally]) -> None:
    """Write the summary that docs/RELIABILITY.md shows; layers that did not run keep their counts."""
    known = json.loads(SUMMARY.read_text("utf-8")) if SUMMARY.exists() else {}
    counts = dict(sorted((known | summary(tallies)).items()))
    SUMMARY.write_text(json.dumps(counts, indent=1) + "\n", "utf-8")


def main() -> int:
    """Run what is asked for and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--quick", action="store_true", help="the sample the normal suite runs")
    parser.add_argument("--workers", type=int, default=2, help="layers at the same time")
    parser.add_argument("--layers", nargs="+", choices=present(), default=present())
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "torture.json")
    parser.add_argument("--publish", action="store_true", help="write docs/torture.json as well")
    asked = parser.parse_args()
    folder = asked.out.parent / "torture"
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--seed", str(asked.seed)] + ([] if asked.quick else ["--long"])
    tallies, started = [], time.monotonic()
    print(f"seed {asked.seed}; layers: {', '.join(asked.layers)}", flush=True)
    for tally in run_all(asked.layers, folder, options, asked.workers):
        tallies.append(tally)
        new = keep(tally)
        print(tally.line() + (f"; {new} kept in the corpus" if new else ""), flush=True)
        for failure in tally.failures[:5]:
            print(f"    {failure.input}: {failure.what[:300]}", flush=True)
    seconds = round(time.monotonic() - started)
    print(
        f"{sum(t.runs for t in tallies)} runs in {seconds // 60} min {seconds % 60} s", flush=True
    )
    whole = {
        "seed": asked.seed,
        "seconds": seconds,
        "layers": [tally.to_dict() for tally in tallies],
    }
    asked.out.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if asked.publish:
        publish(tallies)
    return 0 if tallies and all(tally.is_clean for tally in tallies) else 1


if __name__ == "__main__":
    sys.exit(main())
