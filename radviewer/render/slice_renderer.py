"""SliceImage → QImage of a viewport."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from radviewer.domain.volume import OverlayPlane, Pixels, SliceImage
from radviewer.domain.window import Voi
from radviewer.render.presentation import Interpolation, Presentation
from radviewer.render.recent import Recent, Same
from radviewer.render.resampling import (
    Patch,
    Resampled,
    reductions,
    resample,
    resample_mask,
    visible_patch,
)
from radviewer.render.samples import Encoding, Samples, samples_of
from radviewer.render.steps import apply_steps, depends_on_voi
from radviewer.render.view import ViewTransform
from radviewer.render.windowing import code_table, effective_voi, modality_values, to_grey

OVERLAY_COLOUR = 0xFFFFB84D
"""ARGB of overlay planes 60xx: amber, which no grey image holds."""

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class PlacedPicture:
    """A picture, transparent where it shows nothing, and the device pixel of its top left."""

    picture: QImage
    left: int
    top: int


class SliceRenderer:
    """Renders slices, keeping what the next paint is likely to need (bounded; one per viewport).

    Only `prepare` and `is_prepared` may be called from another thread.
    """

    def __init__(self) -> None:
        self._stepped: Recent[SliceImage] = Recent(128 * _MIB, lambda image: image.stored.nbytes)
        self._samples: Recent[Samples] = Recent(32 * _MIB, lambda samples: samples.values.nbytes)
        self._resampled: Recent[Resampled] = Recent(1)
        self._tables: Recent[NDArray[np.uint8]] = Recent(32)
        self._pictures: Recent[QImage] = Recent(1)
        self._overlays: Recent[PlacedPicture] = Recent(4)

    def render(self, image: SliceImage, presentation: Presentation, transform: ViewTransform) -> QImage:
        """Picture of the whole viewport, ``transform.size`` device pixels; black beside the image.

        Grayscale8, or RGB888 for colour; the same object while nothing has changed, so paint it, never into it.
        Overlay planes are not in it (see `overlay`).

        Raises
        ------
        ValueError
            If the transform is of an image of another shape.
        MemoryError
            If there is none for a picture of this size.

        """
        if transform.shape != image.stored.shape[:2]:
            raise ValueError(f"an image of {image.stored.shape} in a view of {transform.shape}")
        meaning = (image.padding, image.slope, image.intercept, image.modality_lut, image.vois, image.inverted)
        key = (Same(image.stored), *meaning, presentation, transform)
        return self._pictures.get(key) or self._pictures.put(key, self._picture(image, presentation, transform))

    def overlay(self, plane: OverlayPlane, transform: ViewTransform) -> PlacedPicture | None:
        """Overlay plane in crisp colour; None when the image is out of view."""
        patch = visible_patch(transform)
        if patch is None:
            return None
        key = (Same(plane.mask), transform)
        kept = self._overlays.get(key)
        return kept or self._overlays.put(key, _overlay_picture(plane, transform, patch))

    def prepare(self, image: SliceImage, presentation: Presentation) -> None:
        """Run the contrast steps, so that `render` finds them done; may be called from a worker thread."""
        self._with_steps(image, presentation, effective_voi(image, presentation))

    def is_prepared(self, image: SliceImage, presentation: Presentation) -> bool:
        """Whether `render` would not have to run the contrast steps."""
        if not presentation.steps:
            return True
        return self._stepped.get(_steps_key(image, presentation, effective_voi(image, presentation))) is not None

    def clear(self) -> None:
        """Forget everything that was kept."""
        for kept in (self._stepped, self._samples, self._resampled, self._tables, self._pictures, self._overlays):
            kept.clear()

    def _picture(self, image: SliceImage, presentation: Presentation, transform: ViewTransform) -> QImage:
        kind = QImage.Format.Format_RGB888 if image.is_colour else QImage.Format.Format_Grayscale8
        picture = QImage(*transform.size, kind)
        if picture.isNull():
            raise MemoryError("no memory for a picture")
        picture.fill(0)
        patch = visible_patch(transform)
        if patch is not None:
            self._draw(_pixels(picture)[patch.slices], image, presentation, transform, patch)
        return picture

    def _draw(
        self, target: Pixels, image: SliceImage, presentation: Presentation, transform: ViewTransform, patch: Patch
    ) -> None:
        """Fill the patch of a picture."""
        voi = effective_voi(image, presentation)
        shown = self._with_steps(image, presentation, voi)
        rows, columns = reductions(transform)
        key = (Same(shown.stored), shown.padding, rows, columns, transform.draft)
        samples = self._samples.get(key)
        if samples is None:
            samples = self._samples.put(key, samples_of(shown, rows, columns, in_blocks=transform.draft))
        resampled = self._resample(key, samples, transform, patch, presentation.interpolation)
        inverted = image.inverted != presentation.inverted
        self._window(target, resampled.values, shown, samples.encoding, voi, inverted)
        if resampled.padding is not None:
            target[resampled.padding] = 0

    def _with_steps(self, image: SliceImage, presentation: Presentation, voi: Voi) -> SliceImage:
        if not presentation.steps:
            return image
        key = _steps_key(image, presentation, voi)
        return self._stepped.get(key) or self._stepped.put(key, apply_steps(image, presentation.steps, voi))

    def _resample(
        self, key: Hashable, samples: Samples, transform: ViewTransform, patch: Patch, interpolation: Interpolation
    ) -> Resampled:
        full_key = (key, transform, interpolation)
        kept = self._resampled.get(full_key)
        return kept or self._resampled.put(full_key, resample(samples, transform, patch, interpolation))

    def _window(
        self, target: Pixels, values: Pixels, shown: SliceImage, encoding: Encoding | None, voi: Voi, inverted: bool
    ) -> None:
        if encoding is not None and not encoding.is_code:
            target[...] = to_grey(modality_values(shown, encoding.decode(values)), voi, inverted)
            return
        key = (encoding, shown.slope, shown.intercept, shown.modality_lut, voi, inverted)
        table = self._tables.get(key)
        if table is None:
            if encoding is None:
                table = to_grey(np.arange(256, dtype=np.float64), voi, inverted)
            else:
                table = code_table(shown, encoding, voi, inverted)
            self._tables.put(key, table)
        cv2.LUT(values, table, dst=target)


def _steps_key(image: SliceImage, presentation: Presentation, voi: Voi) -> Hashable:
    within = voi if depends_on_voi(presentation.steps) else None
    meaning = (image.padding, image.slope, image.intercept, image.modality_lut)
    return (Same(image.stored), *meaning, presentation.steps, within)


def _pixels(picture: QImage) -> Pixels:
    """Writable view of a picture's bytes: (height, width) or (height, width, 3)."""
    width, height, line = picture.width(), picture.height(), picture.bytesPerLine()
    rows = np.frombuffer(picture.bits(), np.uint8).reshape(height, line)
    channels = picture.depth() // 8
    return rows[:, :width] if channels == 1 else rows[:, : width * channels].reshape(height, width, channels)


def _overlay_picture(plane: OverlayPlane, transform: ViewTransform, patch: Patch) -> PlacedPicture:
    picture = QImage(*patch.size, QImage.Format.Format_Indexed8)
    picture.setColorTable([0, OVERLAY_COLOUR])
    _pixels(picture)[...] = resample_mask(plane.mask, transform, patch)
    return PlacedPicture(picture, patch.left, patch.top)
