"""Makes PySide6 unimportable, as on a server or a build machine without Qt.

As a pytest plug-in (`-p tests.architecture.without_qt`) it runs tests of the core that way; as a
program it imports every module of one package and prints those that need Qt.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

QT = ("PySide6", "shiboken6")


class QtIsAbsent(MetaPathFinder):
    """Answers for Qt's packages as a Python that does not have them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.split(".")[0] in QT:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


sys.meta_path.insert(0, QtIsAbsent())


def needing_qt(package: str) -> list[str]:
    """Import every module of `package` but its program entry and what only Alembic can load; return
    those that cannot be imported without Qt."""
    needing = []
    found = importlib.import_module(package)
    for module in pkgutil.walk_packages(found.__path__, f"{package}."):
        if module.name.endswith(".__main__") or ".db.migrations." in module.name:
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in QT:
                raise
            needing.append(module.name)
    return needing


if __name__ == "__main__":
    sys.stdout.write("\n".join(needing_qt(sys.argv[1])))
