"""Contrast aids: named steps between modality values and VOI, on a copy for display only.

Nothing here touches stored values: the probe and the statistics of regions never see a step.
Every step works on 16-bit codes of the modality values; padding takes no part.  Of colour images
the luminance alone is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Voi
from radviewer.render.equalisation import equalise
from radviewer.render.presentation import ContrastStep, StepKind
from radviewer.render.samples import Mask, encode, spread
from radviewer.render.windowing import voi_range

Codes = NDArray[np.uint16]

_LEAST, _GREATEST = 1, 0xFFFF  # code 0 is padding


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """Codes of one image: value = `low` + (code − 1) × `per_code`."""

    codes: Codes
    padding: Mask | None
    low: float
    per_code: float

    def code_of(self, value: float) -> float:
        return (value - self.low) / self.per_code + _LEAST


def depends_on_voi(steps: Sequence[ContrastStep]) -> bool:
    """Whether steps work within the window and must run again when it changes."""
    return any(step.kind is StepKind.CLAHE for step in steps)


def apply_steps(image: SliceImage, steps: Sequence[ContrastStep], voi: Voi) -> SliceImage:
    """Return an image to show in place of `image`, in the same unit, for the same VOI.

    Parameters
    ----------
    image : SliceImage
        Grey or RGB.
    steps : sequence of ContrastStep
        In order.
    voi : Voi
        CLAHE redistributes the values within its range: over the whole range of a CT it would
        push the tissue of interest out of its window.

    """
    if not steps:
        return image
    if image.is_colour:
        return _on_luminance(image, steps, voi)
    plane = _plane(image)
    for step in steps:
        codes = _STEPS[step.kind](plane, step.strength, voi)
        plane = replace(plane, codes=codes if plane.padding is None else spread(codes, plane.padding))
    codes = plane.codes
    if plane.padding is not None:
        codes = np.where(plane.padding, np.uint16(0), np.maximum(codes, np.uint16(_LEAST)))
    return replace(
        image,
        stored=codes,
        slope=plane.per_code,
        intercept=plane.low - _LEAST * plane.per_code,
        modality_lut=None,
        padding=None if plane.padding is None else (0, 0),
    )


def _plane(image: SliceImage) -> _Plane:
    if image.modality_lut is None and image.slope != 0:
        samples = encode(image)
        encoding = samples.encoding
        if encoding is not None and encoding.is_code:  # whole numbers: codes without a detour over floats
            per_code = encoding.step * image.slope
            low = encoding.offset * image.slope + image.intercept + _LEAST * per_code
            return _Plane(samples.values, samples.padding, low, per_code)
    return _scaled(image)


def _scaled(image: SliceImage) -> _Plane:
    """Codes of floats, of wide integers and of what a modality LUT makes, over their own range."""
    values = image.modality_values()
    padding = image.padding_mask()
    finite = np.isfinite(values)
    if not finite.all():
        padding = ~finite if padding is None else padding | ~finite
    if padding is not None and not padding.any():
        padding = None
    anatomy = values if padding is None else values[~padding]
    low, high = (float(anatomy.min()), float(anatomy.max())) if anatomy.size else (0.0, 0.0)
    per_code = (high - low) / (_GREATEST - _LEAST) or 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint((values - low) / per_code) + _LEAST
    if padding is not None:
        scaled[padding] = 0
    codes = scaled.astype(np.uint16)
    return _Plane(codes if padding is None else spread(codes, padding), padding, low, per_code)


def _clahe(plane: _Plane, strength: float, voi: Voi) -> Codes:
    first, last = (plane.code_of(v) for v in voi_range(voi))
    low, high = (int(min(max(v, _LEAST), _GREATEST)) for v in (min(first, last), max(first, last)))
    return plane.codes if high <= low else equalise(plane.codes, low, high, strength, plane.padding)


def _unsharp(plane: _Plane, strength: float, voi: Voi) -> Codes:
    del voi
    # As wide as a few pixels of the picture when the image just fills a viewport.
    sigma = max(1.5, min(plane.codes.shape) / 400)
    values = plane.codes.astype(np.float32)
    if plane.padding is None:
        blurred = cv2.GaussianBlur(values, (0, 0), sigma)
    else:
        valid = (~plane.padding).astype(np.float32)
        weight = cv2.GaussianBlur(valid, (0, 0), sigma)
        blurred = cv2.GaussianBlur(values * valid, (0, 0), sigma) / np.maximum(weight, 1e-6)
    sharper = values + np.float32(strength) * (values - blurred)
    return np.rint(sharper).clip(_LEAST, _GREATEST).astype(np.uint16)


def _median(plane: _Plane, strength: float, voi: Voi) -> Codes:
    del voi
    return cv2.medianBlur(plane.codes, int(strength) * 2 + 1).astype(np.uint16, copy=False)


def _non_local_means(plane: _Plane, strength: float, voi: Voi) -> Codes:
    del voi
    noise = _noise(plane)
    if noise < 1:
        return plane.codes
    # Patches are compared by their mean absolute difference: 2 σ / √π ≈ 1.13 σ for two equal ones.
    smooth = cv2.fastNlMeansDenoising(
        plane.codes, h=[1.13 * noise * strength], templateWindowSize=5, searchWindowSize=11, normType=cv2.NORM_L1
    )
    return smooth.astype(np.uint16, copy=False)


def _noise(plane: _Plane) -> float:
    """Standard deviation of the noise in codes, from a Laplacian mask (Immerkær 1996), robustly."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    edges = np.abs(cv2.filter2D(plane.codes.astype(np.float32), -1, kernel))
    if plane.padding is not None:
        edges = edges[~plane.padding]
    anatomy = edges[edges > 0]  # flat background has no noise to be taken for the image's
    return float(np.median(anatomy)) / 0.6745 / 6.0 if anatomy.size else 0.0


def _on_luminance(image: SliceImage, steps: Sequence[ContrastStep], voi: Voi) -> SliceImage:
    luminance = cv2.cvtColor(image.stored, cv2.COLOR_RGB2GRAY)
    changed = apply_steps(SliceImage(luminance), steps, voi)
    difference = np.rint(changed.modality_values()).astype(np.int16) - luminance
    # The same is added to red, green and blue, so that hues of a Doppler map stay what they are.
    stored = (image.stored.astype(np.int16) + difference[..., None]).clip(0, 255).astype(np.uint8)
    return image.with_stored(stored)


_STEPS = {
    StepKind.CLAHE: _clahe,
    StepKind.UNSHARP: _unsharp,
    StepKind.MEDIAN: _median,
    StepKind.NON_LOCAL_MEANS: _non_local_means,
}
