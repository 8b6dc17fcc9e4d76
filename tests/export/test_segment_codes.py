from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.sr.codedict import codes

from radviewer.errors import BadResource
from radviewer.export.segment_codes import OTHER, read_segment_codes


def test_the_codes_are_those_of_the_standard() -> None:
    table = read_segment_codes()
    assert set(table) == {"right lung", "left lung", "heart", "glioma", OTHER}
    for name, code in (
        ("Lung", table["left lung"].type),
        ("Heart", table["heart"].type),
        ("Neoplasm", table["glioma"].type),
        ("Lesion", table[OTHER].type),
    ):
        assert (code[0], code[1]) == tuple(getattr(codes.SCT, name))[:2]
    assert table["right lung"].side == (codes.SCT.Right.value, "SCT", "Right")
    assert table["left lung"].side == (codes.SCT.Left.value, "SCT", "Left")
    categories = {
        tuple(code)[:2] for code in (codes.cid7150.AnatomicalStructure, codes.SCT.MorphologicallyAbnormalStructure)
    }
    assert {entry.category[:2] for entry in table.values()} == categories


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[segment", "not valid TOML"),
        ("[segment.heart]\ntype = ['1', 'SCT', 'x']\ncategory = ['1', 'SCT', 'x']", "has no entry"),
        ("[segment.'*']\ntype = ['1', 'SCT', 'x']", "needs category and type"),
        ("[segment.'*']\ntype = ['1', 'SCT', 'x']\ncategory = ['1', 'SCT', '']", "category of '\\*' is not"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "codes.toml"
    path.write_text(text)
    with pytest.raises(BadResource, match=sentence):
        read_segment_codes(path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadResource, match=r"nowhere\.toml could not be read"):
        read_segment_codes(tmp_path / "nowhere.toml")
