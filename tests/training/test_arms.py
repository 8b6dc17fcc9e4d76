from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from radviewer.ai import anatomy
from radviewer.ai.networks import FindingNet
from radviewer.training import arms
from radviewer.training.data import read_index
from radviewer.training.findings_films import FINDINGS, fold_list
from tests.ai.drawings import Seeing, chest

_LABELS = {
    "shenzhen": ("normal", "tuberculosis"),
    "jsrt": ("nodule", "no nodule"),
    "adult-pneumonia": ("normal", "pneumonia"),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for source, labels in _LABELS.items():
        (folder / source).mkdir(parents=True)
        lines = ["image,patient,label"]
        for i in range(20):
            film = chest((256, 256)) / 16 + np.random.default_rng(i).normal(0, 3, (256, 256))
            cv2.imwrite(str(folder / source / f"{i}.png"), np.clip(film, 0, 255).astype(np.uint8))
            lines.append(f"{i}.png,{i},{labels[i % 2]}")
        (folder / source / "index.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_arms_that_were_trained_are_compared_on_films_they_have_not_seen(
    data: Path, tmp_path: Path, random_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, card: (Seeing() for _ in card.weights))
    for arm, heads in (("tuberculosis-scratch", 1), ("findings-imagenet", 2)):
        run = tmp_path / "work" / arm / "fold0"
        run.mkdir(parents=True)
        torch.save({"average": FindingNet(heads).state_dict()}, run / "checkpoint.pt")
    arms.compare(data, tmp_path / "work", random_models, tmp_path / "target")
    with (tmp_path / "target" / "arms.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["arm"] for line in lines} == {"tuberculosis-scratch", "findings-imagenet"}
    counted = {line["name"]: int(line["n"]) for line in lines}
    rows = read_index(data / "adult-pneumonia")
    held_out = [r for r, fold in zip(rows, fold_list(rows, FINDINGS.seed), strict=True) if fold == 0]
    assert counted["AUC, Shenzhen fold"] == 4
    assert counted["AUC for pneumonia, adult-pneumonia"] == len(held_out) == 4
    assert counted["false alarms at sensitivity 0.90, jsrt without pneumonia"] == 20
    assert all(float(x["low"]) <= float(x["value"]) <= float(x["high"]) for x in lines)
