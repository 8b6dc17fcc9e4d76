"""Contrast aids: what they do to the picture, and that they do nothing to the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from radviewer.domain.volume import SliceImage
from radviewer.domain.window import LookupTable, Window
from radviewer.render.equalisation import equalise
from radviewer.render.presentation import STEP_STRENGTHS, ContrastStep, Presentation, StepKind
from radviewer.render.steps import apply_steps, depends_on_voi

EVERY = [ContrastStep(kind, STEP_STRENGTHS[kind][1]) for kind in StepKind]
WINDOW = Window(100, 400)

Values = NDArray[Any]


def scene(size: int = 96) -> Values:
    """Two tissues with a slope and noise, HU-like."""
    rows, columns = np.mgrid[:size, :size]
    tissue = np.where(columns < size // 2, 60, 160) + rows / size * 20
    noise = np.random.default_rng(5).normal(0, 6, (size, size))
    made: Values = (tissue + noise).astype(np.int16)
    return made


def image_of(stored: Values, **fields: Any) -> SliceImage:
    stored.setflags(write=False)  # writing to stored values would raise
    return SliceImage(stored, unit="HU", **fields)


def stepped(image: SliceImage, *steps: ContrastStep, voi: Window = WINDOW) -> NDArray[np.float64]:
    return apply_steps(image, steps, voi).modality_values()


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name)
def test_stored_values_are_never_changed(step: ContrastStep) -> None:
    image = image_of(scene(), intercept=-20.0)
    before = image.stored.copy()
    shown = apply_steps(image, [step], WINDOW)
    assert np.array_equal(image.stored, before)
    assert shown.stored is not image.stored
    assert (shown.unit, shown.stored.shape) == ("HU", image.stored.shape)


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name)
def test_a_step_does_something_but_keeps_the_values_near(step: ContrastStep) -> None:
    image = image_of(scene(), slope=2.0, intercept=-20.0)
    values, before = stepped(image, step), image.modality_values()
    assert np.abs(values - before).max() > 1
    assert abs(values.mean() - before.mean()) < 60


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.float32, np.float64])
def test_every_kind_of_pixel(step: ContrastStep, dtype: Any) -> None:
    stored = (scene() // 3).clip(0, 100).astype(dtype)
    values = stepped(image_of(stored), step)
    assert np.isfinite(values).all()
    assert values.shape == stored.shape


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 3), (9, 200)])
def test_small_images(step: ContrastStep, shape: tuple[int, int]) -> None:
    stored = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    assert np.isfinite(stepped(image_of(stored), step)).all()


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name)
def test_flat_images_stay_flat(step: ContrastStep) -> None:
    assert np.ptp(stepped(image_of(np.full((40, 40), 77, np.int16)), step)) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name)
def test_padding_takes_no_part_and_stays_padding(step: ContrastStep) -> None:
    inside = np.hypot(*(np.mgrid[:96, :96] - 48)) < 40
    shown = []
    for value in (-2000, -900):
        image = image_of(np.where(inside, scene(), value).astype(np.int16), padding=(-2000.0, -900.0))
        result = apply_steps(image, [step], WINDOW)
        mask = result.padding_mask()
        assert mask is not None
        assert np.array_equal(mask, ~inside)
        shown.append(result.modality_values()[inside])
    assert shown[0] == pytest.approx(shown[1], abs=0.05)
    assert shown[0].min() > 0


def test_values_that_are_no_number_become_padding() -> None:
    stored = scene().astype(np.float32)
    stored[10, 10] = np.nan
    for step in EVERY:
        mask = apply_steps(image_of(stored.copy()), [step], WINDOW).padding_mask()
        assert mask is not None
        assert np.argwhere(mask).tolist() == [[10, 10]]


def test_a_modality_table_is_applied_before_the_steps() -> None:
    table = LookupTable(0, np.array([0, 500, 900, 1000], np.uint16), 16)
    image = image_of(np.tile(np.array([0, 1, 2, 3], np.uint8), (8, 2)), modality_lut=table)
    shown = apply_steps(image, [ContrastStep(StepKind.MEDIAN, 1)], WINDOW)
    assert shown.modality_lut is None
    assert shown.modality_values().max() == pytest.approx(1000, abs=0.02)


def test_median_removes_single_pixels_and_keeps_edges() -> None:
    stored = np.where(np.arange(40) < 20, 100, 300) * np.ones((40, 1))
    clean = stored.astype(np.int16)
    noisy = clean.copy()
    noisy[5::9, 7::8] = 3000
    assert stepped(image_of(noisy), ContrastStep(StepKind.MEDIAN, 1)) == pytest.approx(clean, abs=0.03)


def test_unsharp_makes_an_edge_steeper_and_leaves_the_rest() -> None:
    stored = np.where(np.arange(60) < 30, 100, 300) * np.ones((60, 1))
    stored[0, 0], stored[0, 1] = 0, 500  # room for the overshoot
    values = stepped(image_of(stored.astype(np.int16)), ContrastStep(StepKind.UNSHARP, 1.0))
    row = values[40]
    assert row[29] < 70
    assert row[30] > 330
    assert row[5] == pytest.approx(100, abs=0.1)
    assert row[55] == pytest.approx(300, abs=0.1)


@pytest.mark.parametrize("kind", [StepKind.NON_LOCAL_MEANS, StepKind.MEDIAN])
def test_denoising_halves_the_noise_and_keeps_the_edge(kind: StepKind) -> None:
    image = image_of(scene())
    values = stepped(image, ContrastStep(kind, 1.0))
    flat = (slice(40, 60), slice(10, 35))
    assert values[flat].std() < 0.6 * image.stored[flat].std()
    assert np.diff(values[:, 46:50].mean(axis=0)).max() > 60


def test_denoising_is_not_fooled_by_a_flat_background() -> None:
    """Most of the picture being exactly 0 must not make the noise of the rest look like none."""
    stored = np.zeros((160, 160), np.int16)
    stored[32:128, 32:128] = scene()
    values = stepped(image_of(stored), ContrastStep(StepKind.NON_LOCAL_MEANS, 1.0))
    assert values[80:100, 50:70].std() < 0.6 * stored[80:100, 50:70].std()


def test_clahe_raises_local_contrast_within_the_window_only() -> None:
    rows, columns = np.mgrid[:128, :128]
    stored = (80 + (rows * 7 + columns * 13) % 40).astype(np.int16)
    stored[:16, :16] = 2000  # metal, far outside the window
    values = stepped(image_of(stored), ContrastStep(StepKind.CLAHE, 4.0))
    assert np.ptp(values[64:96, 64:96]) > 2.5 * 40
    assert np.all(values[:16, :16] == pytest.approx(2000, abs=0.1))
    assert values[16:].min() >= -100
    assert values[16:].max() <= 300


def test_clahe_is_stronger_with_its_limit_and_hardly_visible_at_1() -> None:
    image = image_of(scene())
    change = [np.abs(stepped(image, ContrastStep(StepKind.CLAHE, s)) - image.stored).mean() for s in (1.0, 2.0, 6.0)]
    assert change[0] < change[1] < change[2]


def test_equalisation_keeps_the_order_of_values_within_a_tile() -> None:
    codes = np.random.default_rng(0).integers(0, 65536, (8, 8)).astype(np.uint16).repeat(20, 0).repeat(20, 1)
    found = equalise(codes, 0, 65535, 3.0)
    tile, result = codes[:10, :10].ravel(), found[:10, :10].ravel()
    order = np.argsort(tile)
    assert np.all(np.diff(result[order].astype(int)) >= 0)


def test_equalisation_of_an_even_spread_changes_nothing() -> None:
    codes = np.tile(np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64), (8, 8))
    found = equalise(codes, 0, 65535, 4.0).astype(int)
    assert np.abs(found - codes).max() < 300


def test_what_is_left_out_does_not_count() -> None:
    rng = np.random.default_rng(4)
    codes = rng.normal(30000, 4000, (64, 64)).astype(np.uint16)
    left_out = np.zeros((64, 64), np.bool_)
    left_out[:, ::2] = True
    others = np.where(left_out, np.uint16(9000), codes)
    found = [equalise(each, 0, 65535, 3.0, left_out) for each in (codes, others)]
    assert np.array_equal(found[0][~left_out], found[1][~left_out])
    assert np.array_equal(found[1][left_out], others[left_out])


def test_equalisation_has_no_seams_between_tiles() -> None:
    rows, columns = np.mgrid[:256, :256]
    codes = (20000 + 8000 * np.sin(rows / 40) + 8000 * np.cos(columns / 50)).astype(np.uint16)
    found = equalise(codes, 0, 65535, 3.0).astype(int)
    steps = np.abs(np.diff(found, axis=1)).max(), np.abs(np.diff(codes.astype(int), axis=1)).max()
    assert steps[0] < 6 * steps[1]


def test_steps_apply_in_order() -> None:
    stored = scene()
    stored[:8, :8], stored[:8, 8:16] = -500, 900  # room for the overshoot of the second step
    image = image_of(stored)
    median, unsharp = ContrastStep(StepKind.MEDIAN, 1), ContrastStep(StepKind.UNSHARP, 3.0)
    once = stepped(image, median, unsharp)
    assert np.abs(once - stepped(image, unsharp, median)).max() > 5
    twice = apply_steps(apply_steps(image, [median], WINDOW), [unsharp], WINDOW).modality_values()
    assert once[20:] == pytest.approx(twice[20:], abs=0.5)


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name)
def test_hues_of_a_colour_image_stay(step: ContrastStep) -> None:
    grey = (scene() // 2 + 20).astype(np.uint8)
    stored = np.stack([grey, grey, grey], axis=-1)
    stored[60:90, 60:90] = (150, 60, 60)
    shown = apply_steps(image_of(stored), [step], Window(128, 256)).stored.astype(int)
    assert shown.dtype == int
    assert np.abs(shown[..., 0] - shown[..., 1])[:50].max() == 0
    assert np.all((shown[65:85, 65:85, 0] - shown[65:85, 65:85, 1]) == 90)
    assert np.abs(shown - stored).max() > 0


def test_no_step_is_the_image_itself() -> None:
    image = image_of(scene())
    assert apply_steps(image, [], WINDOW) is image


def test_names_are_those_of_the_corner_text() -> None:
    assert [step.name for step in EVERY] == ["CLAHE 2.0", "Unsharp 1.0", "Median 3×3", "NL means 1.0"]
    assert ContrastStep(StepKind.MEDIAN, 2).name == "Median 5×5"


@pytest.mark.parametrize(
    ("kind", "strength"), [(StepKind.CLAHE, 0.5), (StepKind.MEDIAN, 3), (StepKind.MEDIAN, 1.5), (StepKind.UNSHARP, 0)]
)
def test_strengths_have_limits(kind: StepKind, strength: float) -> None:
    with pytest.raises(ValueError, match="strength"):
        ContrastStep(kind, strength)


def test_steps_are_added_and_taken_back() -> None:
    presentation = Presentation().with_step(EVERY[0]).with_step(EVERY[1])
    assert presentation.steps == (EVERY[0], EVERY[1])
    assert presentation.without_last_step().steps == (EVERY[0],)
    assert Presentation().without_last_step() == Presentation()


def test_only_clahe_depends_on_the_window() -> None:
    assert [depends_on_voi([step]) for step in EVERY] == [True, False, False, False]
