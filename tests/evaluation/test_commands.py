from __future__ import annotations

import json
from pathlib import Path

import pytest

from radviewer.__main__ import main


def test_models_as_json_and_for_people(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    listed = json.loads(capfd.readouterr().out)
    assert all(model["available"] for model in listed)
    assert main(["models"]) == 0
    printed = capfd.readouterr().out
    assert all(model["name"] in printed for model in listed)


def test_evaluating_a_model_that_does_not_exist(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "liver", "--index", str(tmp_path / "i.csv"), "--label", "l", "--positive", "x"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 1
    assert "liver" in capfd.readouterr().err


def test_evaluate_without_an_index_is_wrong_usage(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "liver"])
    assert stopped.value.code == 2
    assert "--index" in capfd.readouterr().err
