"""The direction of the arrows: the contracts of pyproject.toml, and the few they cannot say."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest
from importlinter.application.use_cases import read_user_options
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.architecture.tree import PACKAGES, ROOT, name, parsed, product_modules

CONFIG = str(ROOT / "pyproject.toml")
CLOUD_MAY_SEE = ("app.domain", "app.wire", "app.errors")

# Modules of guidepos that hold the till's window, each with what it does there. The commands load
# them only when they open one, so importing, syncing and verifying work where Qt is not installed.
WINDOWS = {
    "guidepos.window": "plugs the screen into the till",
    "guidepos.tour": "plays the demo's story in the window",
    "guidepos.stage": "brings the window to any screen for pictures",
    "guidepos.commands.selftest": "goes through every screen of the window",
}


def test_every_contract_between_the_rings_is_kept(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    # It would switch off every logger there is, and with them what other tests look for in the log.
    monkeypatch.setattr("logging.config.dictConfig", lambda _settings: None)
    status = lint_imports(config_filename=CONFIG, no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_the_contracts_guard_every_package_of_the_product():
    options = read_user_options(config_filename=CONFIG).session_options
    assert set(options["root_packages"]) == set(PACKAGES)


def test_the_cloud_sees_domain_wire_and_errors_and_nothing_else_of_the_app():
    foreign = [
        f"{name(path)}: {module}"
        for path in product_modules()
        if name(path).startswith("cloud/")
        for module in imported_modules(parsed(path))
        if module.split(".")[0] in {*PACKAGES} - {"cloud"}
        if not any(f"{module}.".startswith(f"{allowed}.") for allowed in CLOUD_MAY_SEE)
    ]
    assert foreign == []


@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "ui"])
def test_everything_but_the_screen_loads_where_qt_is_not_installed(package):
    windows = [module for module in WINDOWS if module.split(".")[0] == package]
    command = [sys.executable, "-W", "error", "-m", "tests.architecture.without_qt", package]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(windows)


def imported_modules(tree: ast.Module) -> list[str]:
    """Return the dotted modules a file imports anywhere; `from a import b` counts as `a.b`."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found
