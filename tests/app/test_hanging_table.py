"""Tables of hanging protocols: what is read, and what is said of a wrong line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from radviewer import paths
from radviewer.app.hanging_table import bundled_table, own_table, read_protocols, read_table, write_own_table
from radviewer.app.layouts import Layout
from radviewer.errors import BadResource, NotSaved

GOOD = """
[[protocol]]
name = "Mine"
modality = "dx"
body_part = "chest"
view = ["pa", "ap"]
priors = 1
layout = "1x2"
fewest = 1
cells = [
  { view = "pa", laterality = "R", optional = true, chest_wall = "left" },
  { modality = ["CR"], kind = "T1 post contrast", orientation = "sagittal", slices = 3, prior = 2, plane = "3d" },
]
"""


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "mine.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


Writing = Callable[[str | bytes], Path]


def refusal(path: Path) -> str:
    with pytest.raises(BadResource) as refused:
        read_table(path, "So it is.")
    return str(refused.value).removeprefix(str(path))


def test_every_key(table: Writing) -> None:
    (protocol,) = read_table(table(GOOD), "")
    assert (protocol.name, protocol.modality, protocol.body_part) == ("Mine", ("DX",), ("CHEST",))
    assert (protocol.view, protocol.priors, protocol.layout, protocol.fewest) == (("PA", "AP"), 1, Layout.TWO, 1)
    first, second = protocol.cells
    assert (first.view, first.laterality, first.optional, first.chest_wall) == (("PA",), "R", True, "left")
    assert (second.modality, second.kind, second.orientation) == (("CR",), "T1 post contrast", "sagittal")
    assert (second.slices, second.prior, second.plane, second.optional) == (3, 2, "3d", False)


def test_what_is_left_out(table: Writing) -> None:
    text = '[[protocol]]\nname = "a"\nmodality = "CT"\nlayout = "1x2"\ncells = [{}, { prior = 2 }]\n'
    (protocol,) = read_table(table(text), "")
    assert (protocol.fewest, protocol.priors, protocol.body_part, protocol.view) == (2, 2, (), ())
    (fitting,) = read_table(table(text.replace('"1x2"', '"fitting"')), "")
    assert (fitting.layout, fitting.fewest, fitting.priors) == (None, 1, 0)
    assert all(cell.optional for cell in fitting.cells)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("priors = 1", "prior = 1", ', protocol "Mine", key "prior": allowed is one of name, modality, '),
        ('"1x2"', '"3x9"', ', protocol "Mine", key "layout": allowed is one of 1x1, 1x2, 2x1, 1x3, 2x2, 2x3, fitting.'),
        ('layout = "1x2"', "layout = 4", ', protocol "Mine", key "layout": allowed is one of 1x1, '),
        ('layout = "1x2"', 'layout = ["1x2"]', ', protocol "Mine", key "layout": allowed is one of 1x1, '),
        ('layout = "1x2"', "", ', protocol "Mine", key "layout": allowed is one of 1x1, '),
        ('"1x2"', '"1x1"', ', protocol "Mine", key "cells": allowed is a list of 1 to 1 cells, '),
        ("plane", "plan", ', protocol "Mine", cell 2, key "plan": allowed is one of modality, view, '),
        ('"3d"', '"oblique"', ', protocol "Mine", cell 2, key "plane": allowed is one of axial, coronal, sagittal, 3d'),
        ('"sagittal"', "1", ', protocol "Mine", cell 2, key "orientation": allowed is one of axial, '),
        ('"T1 post contrast"', '"T3"', ', protocol "Mine", cell 2, key "kind": allowed is one of T1, T1 post contrast'),
        ('"left"', '"top"', ', protocol "Mine", cell 1, key "chest_wall": allowed is one of left, right.'),
        ('"R"', '"right"', ', protocol "Mine", cell 1, key "laterality": allowed is one of R, L, B.'),
        ("optional = true", "optional = 1", ', protocol "Mine", cell 1, key "optional": allowed is true or false.'),
        ("slices = 3", "slices = 0", ', protocol "Mine", cell 2, key "slices": allowed is a number from 1 to 100000.'),
        ("slices = 3", "slices = 3.5", ', protocol "Mine", cell 2, key "slices": allowed is a number from 1 '),
        ("prior = 2", "prior = 9", ', protocol "Mine", cell 2, key "prior": allowed is a number from 0 to 5.'),
        ("priors = 1", "priors = true", ', protocol "Mine", key "priors": allowed is a number from 0 to 5.'),
        ("fewest = 1", "fewest = 3", ', protocol "Mine", key "fewest": allowed is a number from 1 to 2.'),
        ('modality = "dx"', "", ', protocol "Mine", key "modality": allowed is a DICOM modality or a list of them'),
        ('"dx"', "[1]", ', protocol "Mine", key "modality": allowed is texts of 1 to 60 letters.'),
        ('"dx"', '""', ', protocol "Mine", key "modality": allowed is texts of 1 to 60 letters.'),
        ('"dx"', "{}", ', protocol "Mine", key "modality": allowed is a text or a list of at most 40 texts.'),
        ('"Mine"', '""', ', protocol "", key "name": allowed is a text of 1 to 60 letters.'),
        ('"Mine"', "7", ', protocol 1, key "name": allowed is a text of 1 to 60 letters.'),
        ('"Mine"', '"a\\nb"', ', protocol 1, key "name": allowed is a text of 1 to 60 letters.'),
    ],
)
def test_a_wrong_line_is_named_with_what_is_allowed(table: Writing, old: str, new: str, told: str) -> None:
    assert old in GOOD
    said = refusal(table(GOOD.replace(old, new, 1)))
    assert said.startswith(told)
    assert said.endswith(". So it is.")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[protocol]\n", " is not valid TOML: "),
        (b"\xff\xfe\x00", " is not valid TOML: "),
        ("a = " + "[" * 20_000, " is not valid TOML: "),
        ("# " + "x" * 70_000, " is larger than the 65,536 bytes allowed."),
        ("[[protocols]]\n", ', key "protocols": allowed are entries [[protocol]] only.'),
        ("protocol = 3\n", ', key "protocol": allowed are entries [[protocol]] only.'),
        ("protocol = [3]\n", ', protocol 1, key "protocol": allowed is a table of keys and values.'),
        ("[[protocol]]\n" * 201, " holds 201 protocols; 200 are allowed."),
        (GOOD + GOOD, ', protocol "Mine", key "name": allowed is each name once, and another protocol has this one.'),
        (GOOD.split("cells")[0], ', protocol "Mine", key "cells": allowed is a list of 1 to 2 cells, '),
        (GOOD.split("cells")[0] + "cells = []", ', protocol "Mine", key "cells": allowed is a list of 1 to 2 cells, '),
        (GOOD.split("cells")[0] + "cells = [1]", ', protocol "Mine", cell 1, key "protocol": allowed is a table of '),
    ],
)
def test_what_is_no_table_is_refused(table: Writing, text: str | bytes, told: str) -> None:
    assert refusal(table(text)).startswith(told)


def test_too_many_cells_for_any_layout(table: Writing) -> None:
    text = '[[protocol]]\nname = "a"\nmodality = "CT"\nlayout = "fitting"\ncells = [{}, {}, {}, {}, {}, {}, {}]\n'
    assert 'key "cells": allowed is a list of 1 to 6 cells' in refusal(table(text))


def test_an_enormous_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.toml"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)  # sparse: reading it would never end
    assert "is larger than" in refusal(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "missing"):
        assert " is no file." in refusal(path)


class TestBothTables:
    def test_the_bundled_one_is_right(self) -> None:
        protocols, problems = read_protocols()
        assert problems == ()
        assert protocols == read_table(bundled_table(), "")

    def test_the_readers_come_first_and_replace_those_of_the_same_name(self) -> None:
        own_table().write_text(GOOD + GOOD.replace("Mine", "CT: three planes"))
        protocols, problems = read_protocols()
        names = [protocol.name for protocol in protocols]
        assert problems == ()
        assert names[:2] == ["Mine", "CT: three planes"]
        assert len(names) == len(set(names)) == len(read_table(bundled_table(), "")) + 1

    def test_a_wrong_one_of_the_readers_is_told_and_the_bundled_are_used(self) -> None:
        own_table().write_text(GOOD.replace("1x2", "1x5"))
        protocols, problems = read_protocols()
        assert protocols == read_table(bundled_table(), "")
        (problem,) = problems
        assert problem.startswith(f'{own_table()}, protocol "Mine", key "layout": ')
        assert problem.endswith("The bundled hanging protocols are used instead.")

    def test_a_missing_bundled_one_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(paths, "resources", lambda: tmp_path)
        assert read_protocols() == ((), (f"{tmp_path / 'hanging-protocols.toml'} is no file. It is not used.",))


class TestOwnTable:
    def test_is_a_copy_of_comments_that_changes_nothing(self) -> None:
        path = write_own_table()
        assert path == own_table()
        assert tomllib.loads(path.read_text()) == {}
        assert read_protocols() == (read_table(bundled_table(), ""), ())

    def test_holds_the_bundled_protocols_once_the_signs_are_taken_away(self) -> None:
        lines = write_own_table().read_text().splitlines()
        start = lines.index("# [[protocol]]", next(i for i, line in enumerate(lines) if "Chest radiographs" in line))
        text = "\n".join(line.removeprefix("# ") for line in lines[start:] if not line.startswith(("# CT:", "# MR:")))
        kept = [line for line in text.splitlines() if not line.startswith(("Mammography:", "CT:", "MR:"))]
        assert len(tomllib.loads("\n".join(kept))["protocol"]) == len(read_table(bundled_table(), ""))

    def test_is_never_written_over(self) -> None:
        own_table().write_text("# mine\n")
        write_own_table()
        assert own_table().read_text() == "# mine\n"

    def test_says_where_it_could_not_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setattr(paths, "user_data", lambda: tmp_path / "file")
        with pytest.raises(NotSaved, match="could not be written"):
            write_own_table()
