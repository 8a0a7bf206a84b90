"""qmllint knows every view-model and finds nothing: misspelt members, unqualified names, dead imports.

The types come from the Python sources (`pyside6-metaobjectdump`). The dump does not follow `ViewModel`
to QObject and drops "constant", so both are put back before the type file is written.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import PySide6
import pytest
from PySide6.QtCore import QMetaObject, QObject
from PySide6.QtGui import QGuiApplication

from tests.architecture.tree import ROOT
from ui.bridge import ViewModel
from ui.shell import QML_FOLDER
from ui.viewmodels.root import RootVm

pytestmark = pytest.mark.qml

PYSIDE = Path(PySide6.__file__).parent
TOOLS = Path(sys.executable).parent
METATYPES = PYSIDE / "Qt" / "metatypes" / "qt6core_metatypes.json"


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the QML module Guide.Model as types only; return its import path."""
    build = tmp_path_factory.mktemp("types")
    module = build / "Guide" / "Model"
    module.mkdir(parents=True)
    dumped = build / "dumped.json"
    sources = [str(file) for file in sorted((ROOT / "ui" / "viewmodels").glob("*.py"))]
    run(TOOLS / "pyside6-metaobjectdump", *sources, "-o", str(dumped))
    (build / "mended.json").write_text(json.dumps(mended(json.loads(dumped.read_text("utf-8")))))
    run(
        PYSIDE / "Qt" / "libexec" / "qmltyperegistrar",
        *("--import-name", "Guide.Model", "--major-version", "1", "--minor-version", "0"),
        *("--generate-qmltypes", str(module / "model.qmltypes")),
        *("--foreign-types", str(METATYPES)),
        *("-o", str(build / "unused.cpp"), str(build / "mended.json")),
    )
    (module / "qmldir").write_text("module Guide.Model\ntypeinfo model.qmltypes\n")
    return build


def test_no_file_has_a_finding(types: Path):
    files = [str(file) for file in sorted((QML_FOLDER / "Guide").rglob("*.qml"))]
    paths = ("-I", str(types), "-I", str(QML_FOLDER))
    out = run(TOOLS / "pyside6-qmllint", *paths, "--json", "-", *files)
    findings = [
        f"{Path(file['filename']).name}:{found.get('line')} {found['message']}"
        for file in json.loads(out)["files"]
        for found in file["warnings"]
    ]
    assert findings == []


def test_the_lint_sees_a_misspelt_member(types: Path, tmp_path: Path):
    file = tmp_path / "Wrong.qml"
    file.write_text(
        "import QtQuick\nimport Guide.Model\n"
        "Item { id: root; required property RootVm vm; visible: root.vm.reduceMotoin }\n"
    )
    out = run(TOOLS / "pyside6-qmllint", "-I", str(types), "--json", "-", str(file))
    messages = [found["message"] for found in json.loads(out)["files"][0]["warnings"]]
    assert any("reduceMotoin" in message for message in messages)


def test_every_property_of_a_view_model_is_constant_or_tells_of_changes(qapp: QGuiApplication):
    silent = []
    for kind in view_models():
        meta = meta_object(kind)
        for index in range(meta_object(QObject).propertyCount(), meta.propertyCount()):
            found = meta.property(index)
            if not (found.isConstant() or found.hasNotifySignal()):
                silent.append(f"{kind.__name__}.{found.name()!s}")
    assert RootVm in view_models()
    assert silent == []


def view_models() -> list[type[ViewModel]]:
    """Return every view-model class; importing the shell has imported them all."""
    return ViewModel.__subclasses__()


def meta_object(kind: type[QObject]) -> QMetaObject:
    """Return what Qt knows about a class; Qt's hints leave the attribute out."""
    meta: QMetaObject = getattr(kind, "staticMetaObject")  # noqa: B009 - see above
    return meta


def mended(dump: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the dump with what it forgets: our base is a QObject, silent properties are constant."""
    kept = []
    for file in dump:
        classes = [one for one in file["classes"] if is_view_model(one)]
        for one in classes:
            one["object"] = True
            one["superClasses"] = [{"access": "public", "name": "QObject"}]
            for found in one.get("properties", []):
                found["constant"] = "notify" not in found
        if classes:
            kept.append(file | {"classes": classes})
    return kept


def is_view_model(one: dict[str, Any]) -> bool:
    return any(base["name"] == "ViewModel" for base in one.get("superClasses", []))


def run(program: Path, *arguments: str) -> str:
    """Run a tool of Qt's; lint findings are in its answer, not in its exit code."""
    done = subprocess.run([str(program), *arguments], check=False, capture_output=True, text=True)
    assert done.returncode in (0, 255), done.stderr
    return done.stdout
