"""``radviewer read`` with models, as it is typed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from radviewer import paths
from radviewer.__main__ import main
from tests.export.conftest import chest_film

pytestmark = pytest.mark.usefixtures("qapp", "catalogue")


@pytest.fixture(autouse=True)
def _bundled(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "models", lambda: models)


def test_all_options(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    film, out = chest_film(tmp_path / "film.dcm"), tmp_path / "out"
    options = ["--model", "chest-anatomy", "--nifti", "--no-dicom", "--json"]
    assert main(["read", str(film), "--out", str(out), *options]) == 0
    printed, err = capsysbinary.readouterr()
    assert printed == (out / "opinions.json").read_bytes()
    assert err == b""
    (result,) = json.loads(printed)["stacks"][0]["results"]
    assert result["model"] == "chest-anatomy"
    assert [s["seg"] for s in result["anatomy"]] == [None] * 3
    assert (out / result["anatomy"][0]["mask"]).is_file()


def test_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = chest_film(tmp_path / "film.dcm")
    assert main(["read", str(film), "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Stack 0: film.dcm", "  chest-anatomy 0.0.1: ran (research use only)"]
    assert any(re.fullmatch(r"    tuberculosis: 0\.\d\d  flagged", line) for line in lines)


def test_a_refusal_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = chest_film(tmp_path / "film.dcm", ViewPosition="LL")
    assert main(["read", str(film), "--out", str(tmp_path / "out")]) == 0
    assert "chest-findings 0.0.1: refused. The header says this is not a frontal view: LL." in capsys.readouterr().out


def test_a_model_whose_card_is_broken_is_refused_by_name(
    tmp_path: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = chest_film(tmp_path / "film.dcm")
    (models / "chest-findings" / "card.json").write_text("{}")
    assert main(["read", str(film), "--out", str(tmp_path / "out"), "--model", "chest-findings"]) == 1
    assert "card.json of the model chest-findings is not valid" in capsys.readouterr().err
    assert main(["read", str(film), "--out", str(tmp_path / "out")]) == 0
