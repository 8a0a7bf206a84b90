"""Says figures to people: first what has a budget, then what the frames spend their time on."""

from __future__ import annotations

from benchmarks.run import BUDGETS, Figures, is_kept
from benchmarks.searches import KINDS
from benchmarks.shops import SIZES

_QUANTILES = ("p50_ms", "p95_ms", "p99_ms", "max_ms")
_MEANS = ("mean_looking_up_ms", "mean_model_ms", "mean_drawing_ms")


def told(figures: Figures) -> str:
    """Return the figures as lines."""
    lines = [_budget(name, figures[name]) for name in BUDGETS if name in figures]
    for size in SIZES:
        kinds = [kind for kind in KINDS if f"{kind}_p50_ms_{size}" in figures]
        if kinds:
            lines += ["", _head(size), *(_kind(kind, size, figures) for kind in kinds)]
    in_tables = {f"{k}_{c}_{s}" for k in KINDS for c in (*_QUANTILES, *_MEANS) for s in SIZES}
    rest = [name for name in figures if name not in BUDGETS and name not in in_tables]
    return "\n".join([*lines, "", *(f"{name:32} {figures[name]:>10,}" for name in rest)])


def _budget(name: str, figure: float) -> str:
    sign, limit = BUDGETS[name]
    return (
        f"{name:32} {figure:>10,}   {sign} {limit:<7,} {'' if is_kept(name, figure) else 'MISSED'}"
    )


def _head(size: str) -> str:
    columns = "p50 p95 p99 max | look-up model drawing".split()
    return f"{'event → frame, ms, ' + size:24}" + "".join(f"{column:>9}" for column in columns)


def _kind(kind: str, size: str, figures: Figures) -> str:
    def cells(columns: tuple[str, ...]) -> str:
        return "".join(f"{figures[f'{kind}_{column}_{size}']:9.2f}" for column in columns)

    return f"{kind:24}{cells(_QUANTILES)}{'|':>9}{cells(_MEANS)}"
