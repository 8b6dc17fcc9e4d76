"""Whether images with writing in their pixels are copied: somebody at the terminal is asked."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from radviewer.export.deidentify_command import deidentify_command
from radviewer.progress import Progress
from tests import phantoms


class Terminal(io.StringIO):
    """Somebody is there."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "copies"), [("y\n", 2), ("Yes\n", 2), ("n\n", 0), ("\n", 0), ("", 0)])
def test_who_is_there_is_asked_once(answer: str, copies: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(2):
        phantoms.save(phantoms.image(instance=i, BurnedInAnnotation="YES"), tmp_path / "in" / f"{i}.dcm")
    asked = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", asked)
    deidentify_command([str(tmp_path / "in"), "--out", str(tmp_path / "out")], Progress())
    assert len(list((tmp_path / "out").glob("*/*.dcm"))) == copies
    assert asked.getvalue().count("[y/N]") == 1


def test_where_nobody_is_there_it_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phantoms.save(phantoms.image(BurnedInAnnotation="YES"), tmp_path / "in" / "image.dcm")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    _, problem = deidentify_command([str(tmp_path / "in"), "--out", str(tmp_path / "out")], Progress())
    assert "could be copied" in problem
