"""Rules of the house that neither ruff nor import-linter can express."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import radviewer

PACKAGE = Path(radviewer.__file__).parent
ROOT = PACKAGE.parent

QT_OF = {"app": {"QtCore"}, "render": {"QtCore", "QtGui"}, "export": {"QtCore", "QtGui"}}
"""The modules of PySide6 a room may import; ui any, every other room none."""

HEAVY = ("torch", "monai", "vtkmodules", "sqlite3", "sqlalchemy", "SimpleITK", "imagecodecs", "pydicom", "scipy")
"""Imported where they are first used, for the window to be there within 1.5 s."""

START = [
    name
    for name in ("radviewer.__main__", "radviewer.app.reading_room", "radviewer.ui.main")
    if importlib.util.find_spec(name)
]


def qt_modules(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[1] for name in node.names if name.name.startswith("PySide6."))
        elif isinstance(node, ast.ImportFrom) and node.module == "PySide6":
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("PySide6."):
            yield str(node.module).split(".")[1]


@pytest.mark.parametrize(
    "source", ["import PySide6.QtGui", "from PySide6 import QtGui", "from PySide6.QtGui import QImage"]
)
def test_finds_each_way_to_import_qt(source: str) -> None:
    assert list(qt_modules(source)) == ["QtGui"]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_its_part_of_qt(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    if room != "ui":
        assert set(qt_modules(path.read_text(encoding="utf-8"))) <= QT_OF.get(room, set())


@pytest.mark.parametrize("path", sorted((PACKAGE / "domain").glob("*.py")), ids=lambda path: path.name)
def test_the_domain_needs_the_standard_library_and_numpy_only(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imported = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names | {"numpy", "radviewer"}


@cache
def imported_by(module: str) -> frozenset[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(result.stdout.split())


@pytest.mark.parametrize("module", START)
@pytest.mark.parametrize("heavy", HEAVY)
def test_the_start_imports_nothing_heavy(module: str, heavy: str) -> None:
    assert module in imported_by(module)
    assert heavy not in imported_by(module)


@pytest.mark.parametrize("heavy", ["torch", "openvino", "highdicom"])
def test_the_window_asks_which_models_apply_without_their_libraries(heavy: str) -> None:
    assert heavy not in imported_by("radviewer.ai.reading")  # on the first image, in the window's own process


def test_the_top_level_is_fixed() -> None:
    files = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}
    folders = {"radviewer", "resources", "models", "tests", "packaging"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - {"build", "dist"} <= files | folders
