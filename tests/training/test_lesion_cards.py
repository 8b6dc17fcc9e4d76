"""Cards of the lesion models: fitted again on the tables of what the members said."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.descriptors import Descriptors
from radviewer.ai.glioma import volume_logit
from radviewer.evaluation import classified, metrics
from radviewer.training import beside_readers, finish_breast, release_glioma
from radviewer.training.breast_tables import Image, read_images
from radviewer.training.breast_texts import CARD_TEXTS as BREAST_TEXTS
from radviewer.training.breast_texts import FINDING_TEXTS as BREAST_FINDING
from radviewer.training.descriptors import Described, row_of
from radviewer.training.glioma_texts import CARD_TEXTS as GLIOMA_TEXTS
from radviewer.training.glioma_texts import FINDING_TEXTS as GLIOMA_FINDING
from radviewer.training.held_out_series import Slice, Whole, read_slices, read_wholes
from radviewer.training.release_glioma import parts_of
from radviewer.training.row_tables import write_rows
from tests.ai.lesion_models import breast_model, glioma_model


@pytest.fixture(autouse=True)
def _few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (classified, release_glioma, finish_breast, beside_readers):
        monkeypatch.setattr(module, "bootstrap", partial(metrics.bootstrap, rounds=10))


def _described(target: Path, texts: dict[str, Any], about: dict[str, Any]) -> None:
    """Give a card the words that are released."""
    values = json.loads((target / "card.json").read_text())
    values |= texts | {"findings": [values["findings"][0] | about]}
    (target / "card.json").write_text(json.dumps(values))


def _measured(card: Card) -> dict[tuple[str, str], Any]:
    return {(m.name, m.group): m for m in card.metrics}


def _slice(patient: int, number: int, logit: float, pixels: int) -> Slice:
    return Slice(f"P{patient}/{number}.png", f"P{patient}", "AB"[patient % 2], patient % 3, pixels, 0, logit, 0.5, 1)


def _glioma_tables(target: Path, sign: int) -> None:
    """Nine patients of twenty slices each, tumour on the slices 7 to 11."""
    rng = np.random.default_rng(0)
    slices, wholes = [], []
    for patient in range(9):
        for number in range(20):
            ill = 7 <= number < 12
            slices.append(_slice(patient, number, sign * float(rng.normal(2 if ill else -2, 2)), 300 if ill else 0))
        site, overlap = "AB"[patient % 2], 0.5 + patient / 20
        wholes.append(Whole(f"P{patient}", site, patient % 3, 20, overlap, 100, 80 + 5 * patient))
    write_rows(target / "held-out.csv", slices)
    write_rows(target / "held-out-series.csv", wholes)


def test_a_glioma_card_is_fitted_on_its_tables(tmp_path: Path) -> None:
    target = glioma_model(tmp_path)
    _described(target, GLIOMA_TEXTS, GLIOMA_FINDING)
    _glioma_tables(target, 1)
    release_glioma.finish(target)
    before = (target / "card.json").read_bytes()
    release_glioma.finish(target)
    assert (target / "card.json").read_bytes() == before
    card = Catalogue(tmp_path).card("brain-glioma")
    (item,) = card.findings
    assert item.heat_scale == 0.5
    assert 0 < item.threshold < 1
    assert item.slice_calibration != item.calibration
    measured = _measured(card)
    assert measured["mean Dice", "patients, held-out folds"].value == pytest.approx(0.7)
    assert measured["worst Dice", "patients, held-out folds"].value == pytest.approx(0.5)
    assert measured["AUC", f"{release_glioma.PARTS}, held-out folds"].n == 9 * 2
    assert measured["AUC", "slices, held-out folds"].value == pytest.approx(0.92, abs=0.05)
    for name in ("roc-glioma.png", "reliability-glioma.png"):
        assert (target / name).stat().st_size > 0
    assert [p.specificity for p in item.operating_curve] == sorted(p.specificity for p in item.operating_curve)


def test_logits_that_fall_with_the_label_are_not_released(tmp_path: Path) -> None:
    target = glioma_model(tmp_path)
    _glioma_tables(target, -1)
    with pytest.raises(ValueError, match="do not rise"):
        release_glioma.finish(target)


def test_tables_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    _glioma_tables(tmp_path, 1)
    slices, wholes = read_slices(tmp_path / "held-out.csv"), read_wholes(tmp_path / "held-out-series.csv")
    write_rows(tmp_path / "again.csv", slices)
    assert read_slices(tmp_path / "again.csv") == slices
    assert wholes[3] == Whole("P3", "B", 0, 20, 0.65, 100, 95)


def test_parts_are_the_series_and_what_lies_beside_the_tumour() -> None:
    def series(present: list[int]) -> list[Slice]:
        return [_slice(0, i, float(i), 10 * p) for i, p in enumerate(present)]

    def top(first: int, last: int) -> float:
        return volume_logit(np.arange(first, last, dtype=np.float32))

    assert list(parts_of(series([0] * 7 + [1] * 4 + [0] * 6))) == [
        (True, top(0, 17)),
        (False, max(top(0, 7), top(11, 17))),
    ]
    assert list(parts_of(series([0] * 5 + [1] * 5))) == [(True, top(0, 10))]  # five are too few
    assert list(parts_of(series([1] * 2 + [0] * 6))) == [(True, top(0, 8)), (False, top(2, 8))]
    assert list(parts_of(series([1]))) == [(True, 0.0)]


def _image(number: int, logit: float, malignant: int) -> Image:
    dice = 0.05 if number == 0 else 0.8
    return Image(
        film=f"breast/{number}.png",
        patient=f"p{number}",
        fold=number % 5,
        malignant=malignant,
        device="XY"[number % 2],
        birads=str(3 + number % 3),
        histology="cyst",
        dice=dice,
        inside=1,
        inside_against=0,
        hottest=1.5 * logit,
        hottest_against=-1.5 * logit,
        clean_dice=dice,
        clean_inside=0,
        clean_inside_against=0,
        logit=logit,
        clean_logit=logit / 2,
        false_share=-1.0 if number % 3 else number / 1000,
    )


def _described_twice(image: Image) -> list[Described]:
    """As it is, and without calipers: malignant lesions are a little taller; of the first none was outlined."""
    number = int(image.film[7:-4])
    values = Descriptors(0.8 + 0.05 * image.malignant + 0.1 * (number % 3), 0.9, 0.8, 0.1, -0.1, 0.1, 0.2, 0.1, 0.0)
    found = values if number else None
    return [row_of(image.film, clean, found) for clean in (False, True)]


def test_a_breast_card_is_fitted_on_its_table(tmp_path: Path) -> None:
    target = breast_model(tmp_path)
    _described(target, BREAST_TEXTS, BREAST_FINDING)
    rng = np.random.default_rng(0)
    images = [_image(i, float(rng.normal(2 * m, 1)), int(m)) for i, m in enumerate(rng.random(80) < 0.4)]
    names = list(Image.__dataclass_fields__)
    with (target / "held-out.csv").open("w", newline="") as file:
        csv.writer(file).writerows([names, *([getattr(image, name) for name in names] for image in images)])
    assert read_images(target / "held-out.csv") == images
    write_rows(target / "descriptors.csv", [row for image in images for row in _described_twice(image)])
    finish_breast.finish(target)
    before = (target / "card.json").read_bytes()
    finish_breast.finish(target)
    assert (target / "card.json").read_bytes() == before
    card = Catalogue(tmp_path).card("breast-lesion")
    highest = max(abs(image.logit) for image in images)
    assert highest < card.findings[0].heat_scale < 1.5 * highest  # of what is shown, nearly the hottest
    measured = _measured(card)
    networks = measured["AUC of the networks alone", "malignancy, all images"].value
    assert networks == pytest.approx(0.92, abs=0.06)
    assert 0.55 < measured["AUC of the outline's descriptors alone", "malignancy, all images"].value < networks
    assert card.findings[0].descriptors is not None
    taller, *others = card.findings[0].descriptors.terms
    assert taller.weight > 0.1
    assert all(abs(term.weight) < 1e-3 for term in others)
    assert measured["specificity", "malignancy, all images, held-out folds"].value == pytest.approx(0.85, abs=0.08)
    assert measured["AUC without calipers", "malignancy, all images"].value == pytest.approx(0.92, abs=0.06)
    outlines = "outline, all images, held-out folds"
    assert measured["share of lesions missed", outlines].value == pytest.approx(1 / 80, abs=1e-3)
    assert measured["pointing game without calipers", outlines].value == 0
    malignancy = "malignancy, all images, held-out folds"
    caught, cleared = (measured[name, malignancy].value for name in ("sensitivity", "specificity"))
    ill = float(np.mean([i.malignant for i in images]))
    flagged = caught * ill + (1 - cleared) * (1 - ill)  # made up: the peak lies inside of these alone
    pointed = measured["pointing game: heatmap's peak inside the lesion", outlines].value
    assert pointed == pytest.approx(flagged, abs=1e-3)
    assert 0.2 < pointed < 0.8
    assert 0.3 < measured["AUC", beside_readers.READERS].value < 0.7  # categories are strewn
    assert measured["AUC", beside_readers.TOGETHER].value > 0.85
    assert measured["share with a false outline", "parts of images without the lesion, held-out folds"].n == 27
    assert {"malignancy, X, held-out folds", "malignancy, BI-RADS 3, held-out folds"} <= {m.group for m in card.metrics}
    fitted = {m.group for m in card.metrics if m.name == "calibration slope"}
    assert fitted == {"malignancy, all images, held-out folds"}  # of the others there are too few


def test_all_images_of_a_woman_are_one_reading() -> None:
    logits = [(3.0, -1.0), (0.5, 0.7), (-2.0, 1.0), (0.0, -0.1)] * 10  # two of four are ill
    images = [
        replace(_image(2 * w + k, logit, int(w % 4 < 2)), patient=f"woman {w}")
        for w, pair in enumerate(logits)
        for k, logit in enumerate(pair)
    ]
    found = {line["name"]: line for line in finish_breast.per_woman(images)}
    assert found["AUC"]["value"] == 1
    assert found["sensitivity at specificity 0.85"]["value"] == 1
    assert {line["n"] for line in found.values()} == {40}


def test_readers_are_measured_alone_and_with_the_model() -> None:
    """The model knows of one half of the women, the readers of the other."""
    women = [(ill, half) for ill in (0, 1) for half in (0, 1) for _ in range(25)]
    images = [
        replace(_image(k, 0.0, ill), birads=str(4 if half else (5 if ill else 2)))
        for k, (ill, half) in enumerate(women)
    ]
    logits = np.array([(3.0 if ill else -3.0) if half else 0.0 for ill, half in women])
    lines = beside_readers.beside_readers(images, logits, 0.85, "the command")
    found = {(line["group"], line["name"]): line["value"] for line in lines}
    assert found[beside_readers.READERS, "AUC"] == pytest.approx(0.875)
    assert found[beside_readers.READERS, "sensitivity of category 4 and above"] == 1
    assert found[beside_readers.READERS, "specificity of category 4 and above"] == 0.5
    assert found["malignancy, by the model at the readers' specificity", "sensitivity"] == 1
    assert found[beside_readers.TOGETHER, "AUC"] == 1
    assert found[beside_readers.TOGETHER, "sensitivity at specificity 0.85"] == 1
    assert {(line["n"], line["command"]) for line in lines} == {(100, "the command")}


def test_no_image_is_judged_by_what_was_fitted_on_its_own_fold() -> None:
    malignant = np.arange(60) % 2 == 1
    folds = [k // 20 for k in range(60)]
    categories, logits = np.full(60, 3.0), np.where(malignant, 1.0, -1.0)
    logits[:20] *= -1  # in the first fold alone the model says the opposite of what is so
    said = beside_readers.together(categories, logits, malignant, folds)
    assert ((said[:20] > 0) != malignant[:20]).all()
