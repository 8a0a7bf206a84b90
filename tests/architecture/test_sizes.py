"""Files and functions stay small enough to read in one go; whatever is larger says why."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import files, name, parsed, product_modules

PYTHON_LINES = 400
QML_LINES = 250
FUNCTION_LINES = 50

# path -> reason. An entry that is no longer needed fails the test too.
LARGE_FILES: dict[str, str] = {
    "app/wire/messages.py": "The whole protocol with the cloud in one place, as SYNC.md lists it.",
}

# "path::function" -> reason.
LARGE_FUNCTIONS: dict[str, str] = {}

MEANS_NOTHING = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"}


def test_files_over_the_limit_are_listed_with_a_reason():
    limits = {".py": PYTHON_LINES, ".qml": QML_LINES}
    large = {
        name(path)
        for path in files("*.py", "*.qml")
        if not is_migration(path)
        if len(path.read_text("utf-8").splitlines()) > limits[path.suffix]
    }
    assert large == set(LARGE_FILES)


def test_functions_over_the_limit_are_listed_with_a_reason():
    large = {
        f"{name(path)}::{function.name}"
        for path in product_modules()
        if not is_migration(path)
        for function in functions(path)
        if body_lines(function) > FUNCTION_LINES
    }
    assert large == set(LARGE_FUNCTIONS)


def test_every_reason_is_a_sentence():
    short = [
        key for key, reason in {**LARGE_FILES, **LARGE_FUNCTIONS}.items() if len(reason.split()) < 4
    ]
    assert short == []


def test_no_module_or_class_is_called_by_a_word_that_means_nothing():
    modules = {name(path) for path in product_modules() if MEANS_NOTHING & words(path.stem)}
    classes = {
        f"{name(path)}::{node.name}"
        for path in product_modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef)
        and node.name.endswith(("Manager", "Helper", "Helpers", "Util", "Utils"))
    }
    assert modules | classes == set()


def test_every_module_begins_by_saying_what_it_is_for():
    silent = [name(path) for path in files("*.py") if not ast.get_docstring(parsed(path))]
    assert silent == []


def is_migration(path: Path) -> bool:
    """Tell whether a file is one of Alembic's steps: a list of tables, written once and kept."""
    return "/migrations/versions/" in name(path)


def words(stem: str) -> set[str]:
    """Split a module's name at its underscores."""
    return set(stem.strip("_").split("_"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method of a file, nested ones included."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function after its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body:
        return 0
    return (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1
