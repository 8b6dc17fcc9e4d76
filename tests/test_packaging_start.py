"""``packaging/start``: its set-up, with stand-ins for the system's programs, and reading without a display."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from radviewer import __main__, paths

ROOT = Path(__file__).parents[1]
NOTE = 'echo "$(basename "$0") $*" >>"$NOTES"\n'


class Machine:
    """A copy of the scripts, and a PATH on which the programs that change a machine only note how they were called."""

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "re po"
        self.notes = folder / "notes"
        self.programs = folder / "bin"
        shutil.copytree(ROOT / "packaging", self.repository / "packaging")
        (self.repository / "pyproject.toml").write_text("[project]\n")
        self.add("apt-get", NOTE)
        self.add("id", "echo 1000\n")
        self.has_libraries(*self.known_libraries())
        self.add("python3", '[ "$1" != -m ] || { mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; }\n' + NOTE)

    def known_libraries(self) -> list[str]:
        words = (ROOT / "packaging" / "setup.sh").read_text().replace("(", " ").split()
        return [word.split("=")[0] for word in words if ".so." in word and "=" in word]

    def has_libraries(self, *names: str) -> None:
        self.add("ldconfig", "".join(f"echo '\t{name} (libc6,x86-64) => /lib/{name}'\n" for name in names))

    def add(self, name: str, script: str) -> None:
        self.programs.mkdir(exist_ok=True)
        program = self.programs / name
        program.write_text(f"#!/bin/bash\n{script}")
        program.chmod(0o755)

    def start(self, *arguments: str, display: str = ":0") -> subprocess.CompletedProcess[str]:
        self.notes.write_text("")
        environment = {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "HOME": str(self.repository),
            "NOTES": str(self.notes),
            "DISPLAY": display,
        }
        command = ["bash", str(self.repository / "packaging" / "start"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    @property
    def called(self) -> list[str]:
        return self.notes.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def installs(machine: Machine) -> list[str]:
    return [call for call in machine.called if "pip install" in call]


def test_sets_up_and_opens_the_demo_study(machine: Machine) -> None:
    result = machine.start()
    assert result.returncode == 0, result.stderr
    assert f"python3 -m venv --clear {machine.repository}/.venv" in machine.called
    assert installs(machine) == [f"python -m pip install --quiet --editable {machine.repository}[demo]"]
    assert machine.called[-1] == "python -m radviewer --demo"
    assert not any(call.startswith("apt-get") for call in machine.called)


def test_passes_on_what_to_open(machine: Machine) -> None:
    machine.start("a folder")
    assert machine.called[-1] == "python -m radviewer a folder"


def test_installs_nothing_when_nothing_has_changed(machine: Machine) -> None:
    machine.start()
    machine.start()
    assert installs(machine) == []
    assert machine.called[-1] == "python -m radviewer --demo"


def test_installs_again_when_the_project_needs_something_new(machine: Machine) -> None:
    machine.start()
    (machine.repository / "pyproject.toml").write_text("[project] # changed\n")
    machine.start()
    assert len(installs(machine)) == 1
    assert not any("venv --clear" in call for call in machine.called)


def test_installs_again_in_a_repository_that_was_moved(machine: Machine) -> None:
    machine.start()
    machine.repository = machine.repository.rename(machine.repository.with_name("moved"))
    machine.start()
    assert len(installs(machine)) == 1


def test_does_not_start_when_the_packages_cannot_be_installed(machine: Machine) -> None:
    machine.add("python3", (machine.programs / "python3").read_text() + '[ "$3" != install ]\n')
    for _ in range(2):  # the failed one leaves no trace of success
        result = machine.start()
        assert result.returncode == 1
        assert "could not be installed" in result.stderr
        assert len(installs(machine)) == 1


def test_names_the_command_that_installs_missing_libraries(machine: Machine) -> None:
    machine.has_libraries(*(set(machine.known_libraries()) - {"libEGL.so.1", "libxcb-cursor.so.0"}))
    result = machine.start()
    assert result.returncode == 1
    assert "sudo apt-get install -y --no-install-recommends libegl1 libxcb-cursor0\n" in result.stderr
    assert machine.called == []


def test_installs_missing_libraries_as_root(machine: Machine) -> None:
    machine.has_libraries(*(set(machine.known_libraries()) - {"libEGL.so.1"}))
    machine.add("id", "echo 0\n")
    result = machine.start()
    assert result.returncode == 0, result.stderr
    assert machine.called[:2] == ["apt-get update -qq", "apt-get install -y --no-install-recommends libegl1 -qq"]
    assert machine.called[-1] == "python -m radviewer --demo"


def test_needs_no_window_libraries_without_a_display(machine: Machine) -> None:
    machine.has_libraries()
    result = machine.start(display="")
    assert result.returncode == 0, result.stderr
    assert machine.called[-1] == "python -m radviewer --demo"


def test_names_what_brings_a_new_enough_python(machine: Machine) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        machine.add(name, "exit 1\n")
    result = machine.start()
    assert result.returncode == 1
    assert "sudo apt-get install -y --no-install-recommends python3 python3-venv\n" in result.stderr


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_display")
def test_without_a_display_the_study_is_read_into_a_file_that_is_named(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert __main__.main(["--demo"]) == 0
    result = paths.user_data() / "without-display" / "scan.json"
    assert str(result) in capfdbinary.readouterr().out.decode()
    assert stat.S_IMODE(result.stat().st_mode) == 0o600  # it names patients
    series = [series for study in json.loads(result.read_bytes())["studies"] for series in study["series"]]
    assert {"CR", "US", "MR"} <= {one["modality"] for one in series}
    assert max(stack["shape"][0] for one in series for stack in one["stacks"]) > 100
    said = json.loads((result.parent / "read" / "opinions.json").read_bytes())["stacks"]
    assert any(answer["status"] == "ran" for one in said for answer in one["results"])


@pytest.mark.usefixtures("no_display")
@pytest.mark.parametrize("arguments", [[], ["nothing-here"]])
def test_without_a_display_and_a_study_it_says_so(
    arguments: list[str], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert __main__.main(arguments) == 1
    assert len(capfdbinary.readouterr().err.splitlines()) == 1


@pytest.mark.usefixtures("no_display")
def test_without_a_display_a_full_disk_is_named(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (paths.user_data() / "without-display").write_text("in the way")
    assert __main__.main([str(tmp_path)]) == 1
    assert b"could not be written" in capfdbinary.readouterr().err


@pytest.mark.usefixtures("no_display")
def test_without_a_display_a_folder_name_that_is_not_unicode_is_printed(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/f\xe9vrier"))
    folder.mkdir()
    assert __main__.main([str(folder)]) == 1
    assert rb"f\udce9vrier" in capfdbinary.readouterr().out
