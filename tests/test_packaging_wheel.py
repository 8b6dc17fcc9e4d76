"""The wheel: what is in it, and that the command works from it alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from radviewer import __version__

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network from what is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    run(*pip, "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; what it depends on is lent by the one that runs the tests."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        folder / "bin/python",
        "install",
        "--no-deps",
        "--no-index",
    ]
    run(*pip, wheel, cwd=folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_holds_the_package_its_resources_and_models_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    for source in ("resources", "models"):
        files = {path.relative_to(ROOT).as_posix() for path in (ROOT / source).rglob("*") if path.is_file()}
        assert files
        assert {f"radviewer/_data/{name}" for name in files} <= names
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "radviewer").rglob("*.py")}
    assert {name for name in names if not name.startswith("radviewer/_data/")} == modules


def test_carries_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        licences = [name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
        assert len(licences) == 1
        assert b"Apache License" in archive.read(licences[0])


def test_the_command_works_from_any_folder(environment: Path, tmp_path: Path) -> None:
    assert run(environment / "bin/radviewer", "--version", cwd=tmp_path).split() == ["radviewer", __version__]
    films = Path(sysconfig.get_path("purelib"), "pydicom", "data", "test_files", "CT_small.dcm")
    found = json.loads(run(environment / "bin/radviewer", "scan", films, "--json", cwd=tmp_path))
    assert found["studies"][0]["series"][0]["modality"] == "CT"


def test_finds_its_resources_and_models_when_installed(environment: Path, tmp_path: Path) -> None:
    code = "from radviewer import paths; print(paths.resources(), paths.models(), sep='\\n')"
    resources, models = (Path(line) for line in run(environment / "bin/python", "-c", code, cwd=tmp_path).splitlines())
    assert environment in resources.parents
    assert (resources / "window-presets.toml").is_file()
    assert (models / "README.md").is_file()
