"""The bundled models themselves, on real films that a Python package carries."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radviewer import paths
from radviewer.ai.catalogue import Catalogue, files_of
from radviewer.ai.context import Context, context_of
from radviewer.ai.networks import ANATOMY
from radviewer.ai.reading import read
from radviewer.dicom.demo_brain import write_brain
from radviewer.dicom.load import load
from radviewer.dicom.scan import scan
from radviewer.domain.opinion import Opinion, Outcome
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Progress

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

NAMES = ("brain-glioma", "breast-lesion", "chest-anatomy", "chest-findings")
_SPEC = importlib.util.find_spec("data_store")  # what pydicom-data installs
DATA = Path(_SPEC.origin or "" if _SPEC else "").parent / "data"
ENCODINGS = ("UNCR", "UNCI", "J2KR", "J2KI")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue()


def _volume(file: Path, folder: Path) -> tuple[Volume, Context]:
    """The only stack of a file that lies in a folder of its own."""
    folder.mkdir()
    shutil.copy(file, folder)
    (study,) = scan(folder).studies
    (series,) = study.series
    (stack,) = series.stacks
    return load(stack), context_of(study, series, stack)


Opinions = dict[str, Opinion]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Volume, Context]:
    """A frontal chest radiograph, MONOCHROME1, whose PixelSpacing is unknown."""
    return _volume(DATA / "RG1_UNCR.dcm", tmp_path_factory.mktemp("film") / "film")


@pytest.fixture(scope="module")
def said(catalogue: Catalogue, film: tuple[Volume, Context]) -> Opinions:
    return {opinion.model: opinion for opinion in read(*film, catalogue)}


def test_the_bundled_models_are_complete(catalogue: Catalogue) -> None:
    assert tuple(entry.name for entry in catalogue.entries()) == NAMES
    total = 0
    for name in NAMES:
        catalogue.verify(name)
        card, folder = catalogue.card(name), paths.models() / name
        for weights in files_of(card):
            size = (folder / weights.file).stat().st_size
            assert size <= 20_000_000
            total += size
        for file in ("README.md", "LICENSE", "folds.csv", "held-out.csv"):
            assert (folder / file).stat().st_size > 200
        assert card.metrics
        assert "esearch use only" in card.licence + card.intended_use
    assert total <= 150_000_000


def test_outlines_lie_on_the_patients_sides(said: Opinions, film: tuple[Volume, Context]) -> None:
    found = {structure.label: structure for structure in said["chest-anatomy"].anatomy}
    assert tuple(found) == ANATOMY
    centres = {}
    for label, structure in found.items():
        assert structure.mask.shape == film[0].stored.shape
        _, columns = np.nonzero(structure.mask[0])
        centres[label] = columns.mean() / structure.mask.shape[2]
        areas = [q for q in structure.measurements if q.name == "area"]
        assert [q.unit for q in areas] == ["{pixels}"]  # PixelSpacing is 0\\0: unknown, not zero
    assert 0.15 < centres["right lung"] < 0.4 < centres["heart"] < 0.65
    assert 0.6 < centres["left lung"] < 0.85
    (ratio,) = [q for q in found["heart"].measurements if q.name == "cardiothoracic ratio"]
    assert ratio.unit == "%"
    assert 35 < ratio.value < 60


def _dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.mark.parametrize("encoding", ENCODINGS[1:])
def test_every_encoding_of_a_film_is_read_alike(
    said: Opinions, catalogue: Catalogue, tmp_path: Path, encoding: str
) -> None:
    again = {o.model: o for o in read(*_volume(DATA / f"RG1_{encoding}.dcm", tmp_path / "film"), catalogue)}
    _assert_alike(said, again)


def _assert_alike(said: Opinions, again: Opinions) -> None:
    for a, b in zip(said["chest-anatomy"].anatomy, again["chest-anatomy"].anatomy, strict=True):
        assert _dice(a.mask, b.mask) > 0.99
    for x, y in zip(said["chest-findings"].findings, again["chest-findings"].findings, strict=True):
        assert y.probability == pytest.approx(x.probability, abs=0.02)


def test_the_same_film_gives_the_same_bits(said: Opinions, catalogue: Catalogue, film: tuple[Volume, Context]) -> None:
    again = {opinion.model: opinion for opinion in read(*film, catalogue)}
    for a, b in zip(said["chest-findings"].findings, again["chest-findings"].findings, strict=True):
        assert a.probability == b.probability
        np.testing.assert_array_equal(a.heatmap, b.heatmap)
    for x, y in zip(said["chest-anatomy"].anatomy, again["chest-anatomy"].anatomy, strict=True):
        np.testing.assert_array_equal(x.mask, y.mask)


def test_a_negative_is_read_like_the_positive(
    said: Opinions, catalogue: Catalogue, film: tuple[Volume, Context]
) -> None:
    stored = film[0].stored.max() - film[0].stored
    negative = Volume(stored, (SliceImage(stored[0], inverted=True),), None, {})
    _assert_alike(said, {opinion.model: opinion for opinion in read(negative, film[1], catalogue)})


def test_heatmaps_stay_in_the_chest(said: Opinions, film: tuple[Volume, Context]) -> None:
    chest = np.max([structure.mask for structure in said["chest-anatomy"].anatomy], axis=0)[0]
    rows, columns = np.flatnonzero(chest.any(axis=1)), np.flatnonzero(chest.any(axis=0))
    reach_row, reach_column = (rows[-1] - rows[0]) // 5, (columns[-1] - columns[0]) // 5
    for finding in said["chest-findings"].findings:
        assert finding.heatmap is not None
        assert finding.heatmap.shape == film[0].stored.shape
        outside = finding.heatmap[0].copy()
        outside[
            max(0, rows[0] - reach_row) : rows[-1] + reach_row,
            max(0, columns[0] - reach_column) : columns[-1] + reach_column,
        ] = 0
        assert not outside.any()


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (Context(view_position="LL"), "frontal"),
        (Context(modality="CT"), "CT"),
        (Context(body_part="HAND"), "chest"),
    ],
)
def test_a_contradicting_header_is_refused(
    catalogue: Catalogue, film: tuple[Volume, Context], context: Context, reason: str
) -> None:
    (opinion,) = read(film[0], context, catalogue, model="chest-anatomy") or (None,)
    if context.modality:  # not asked at all
        assert opinion is None
        return
    assert opinion is not None
    assert opinion.outcome is Outcome.REFUSED
    assert reason in (opinion.reason or "")


def test_a_child_gets_no_opinion_on_tuberculosis(catalogue: Catalogue, film: tuple[Volume, Context]) -> None:
    (opinion,) = read(film[0], Context(age_years=4), catalogue, model="chest-findings")
    outcomes = {finding.label: finding.outcome for finding in opinion.findings}
    assert outcomes == {"tuberculosis": Outcome.REFUSED, "pneumonia": Outcome.RAN}


OTHERS = ("CT_small.dcm", "RG3_UNCR.dcm", "693_UNCR.dcm", "MR2_UNCR.dcm", "US1_UNCR.dcm", "eCT_Supplemental.dcm")


@pytest.mark.parametrize("name", OTHERS)
def test_other_images_are_refused_by_their_pixels_alone(catalogue: Catalogue, tmp_path: Path, name: str) -> None:
    import pydicom.data

    own = Path(pydicom.data.__file__).parent / "test_files" / name
    volume, _ = _volume(own if own.is_file() else DATA / name, tmp_path / "other")
    single: Any = Volume(volume.stored[:1], volume.slices[:1], None, {})
    for opinion in read(single, Context(), catalogue):
        assert opinion.outcome is Outcome.REFUSED, opinion.model


TEMPLATE = "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


@pytest.fixture(scope="module")
def brain(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Volume, Context]]:
    """The MNI152 T1 template as DICOM, acquired axially and, as an enhanced object, sagittally."""
    spec = importlib.util.find_spec("nilearn")
    assert spec is not None
    assert spec.origin is not None
    folder = tmp_path_factory.mktemp("brain")
    write_brain(Path(spec.origin).parent / TEMPLATE, folder, Progress())
    (study,) = scan(folder).studies
    stacks = [(series, stack) for series in study.series for stack in series.stacks]
    return [(load(stack), context_of(study, series, stack)) for series, stack in stacks]


def test_a_healthy_brain_on_t1_is_refused_with_the_reason(
    catalogue: Catalogue, brain: list[tuple[Volume, Context]]
) -> None:
    assert len(brain) == 2
    for volume, context in brain:
        (opinion,) = read(volume, context, catalogue, model="brain-glioma")
        assert opinion.outcome is Outcome.REFUSED
        assert "T1" in (opinion.reason or "")


@pytest.mark.parametrize("said", ["", "AX FLAIR"])
def test_no_tumour_is_claimed_on_a_healthy_brain(
    catalogue: Catalogue, brain: list[tuple[Volume, Context]], said: str
) -> None:
    """Whatever the header says: refused by its pixels, or read with nothing flagged."""
    axial, _ = brain[0]
    apart = Volume(axial.stored[::5], axial.slices[::5], None, {})
    context = Context(modality="MR", description=said or None, slices=len(apart.slices))
    (opinion,) = read(apart, context, catalogue, model="brain-glioma")
    assert opinion.outcome is Outcome.REFUSED or not any(finding.flagged for finding in opinion.findings)


SCANS = ("US1_UNCR.dcm", "gdcm-US-ALOKA-16.dcm", "color3d_jpeg_baseline.dcm")
"""Real ultrasound of other organs: a still, one on a palette, a cine with Doppler colour."""


@pytest.mark.parametrize("name", SCANS)
def test_ultrasound_of_other_organs_is_refused_or_read_without_harm(
    catalogue: Catalogue, tmp_path: Path, name: str
) -> None:
    volume, context = _volume(DATA / name, tmp_path / "scan")
    for opinion in read(volume, context, catalogue, model="breast-lesion"):
        if opinion.outcome is Outcome.REFUSED:
            assert (opinion.reason or "").endswith(".")
            continue
        (finding,) = opinion.findings
        assert finding.probability is None or 0 < finding.probability < 1
        assert finding.mask is None or finding.mask.shape == volume.stored.shape[:3]
        assert all(q.unit.startswith(("mm", "{pixels}")) for q in finding.measurements)


@pytest.mark.parametrize("body_part", ["HEART", "ABDOMEN"])
def test_a_header_that_names_another_organ_is_refused(catalogue: Catalogue, tmp_path: Path, body_part: str) -> None:
    volume, _ = _volume(DATA / "US1_UNCR.dcm", tmp_path / "scan")
    (opinion,) = read(volume, Context(modality="US", body_part=body_part), catalogue, model="breast-lesion")
    assert opinion.outcome is Outcome.REFUSED
    assert "reast" in (opinion.reason or "")


def test_a_heart_is_not_read_as_a_breast(catalogue: Catalogue, tmp_path: Path) -> None:
    volume, context = _volume(DATA / "color3d_jpeg_baseline.dcm", tmp_path / "scan")
    (opinion,) = read(volume, context, catalogue, model="breast-lesion")
    assert opinion.outcome is Outcome.REFUSED
    assert "loop" in (opinion.reason or "")
