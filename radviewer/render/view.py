"""Where an image lies on the screen: the reader's camera and the exact mapping it makes.

View coordinates are *device* pixels of one viewport, x to the right and y down, origin at
its top left corner, in the painter's convention: device pixel i covers ``[i, i + 1)``.
Image coordinates are ``(row, column)`` with pixel centres at integers, so that the
image covers ``[-0.5, rows - 0.5] × [-0.5, columns - 0.5]``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from radviewer.domain.geometry import PixelSpacing
from radviewer.domain.measurement import Point

LARGEST_ZOOM = 128.0
"""Device pixels per image pixel beyond which zooming in stops."""

_TURNS = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
"""Rotation by 0, 90, 180, 270° clockwise as (xx, xy, yx, yy), y pointing down."""

_OPPOSITE: dict[str, Literal["", "left", "right"]] = {"": "", "left": "right", "right": "left"}


@dataclass(frozen=True, slots=True)
class Camera:
    """How the reader looks at an image, whatever its size and the viewport's.

    Attributes
    ----------
    zoom : float or None
        Device pixels per image pixel, along the finer axis of non-square pixels; None fits
        `extent` into the viewport.
    centre : Point or None
        ``(row, column)`` shown at the viewport's centre; None is the image's centre.
    quarter_turns : int
        Clockwise, 0–3.
    flipped : bool
        Mirrored left to right on the screen, after the rotation.
    against : str
        Edge of the viewport that the image lies against while `centre` is None: "left", "right", or ""
        for the middle.
    extent : tuple of float or None
        ``(rows, columns)`` that fit; None is the whole image.

    """

    zoom: float | None = None
    centre: Point | None = None
    quarter_turns: int = 0
    flipped: bool = False
    against: Literal["", "left", "right"] = ""
    extent: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.zoom is not None and not 0 < self.zoom < math.inf:
            raise ValueError(f"not a zoom: {self.zoom}")
        if self.centre is not None and not all(map(math.isfinite, self.centre)):
            raise ValueError(f"not a centre: {self.centre}")
        if self.extent is not None and not all(0 < n < math.inf for n in self.extent):
            raise ValueError(f"not an extent: {self.extent}")
        object.__setattr__(self, "quarter_turns", self.quarter_turns % 4)

    def fit(self) -> Camera:
        """Show the whole image again, keeping rotation and mirroring."""
        return replace(self, zoom=None, centre=None, extent=None)

    def rotated(self, quarter_turns: int = 1) -> Camera:
        """Rotate what is seen clockwise."""
        turns = -quarter_turns if self.flipped else quarter_turns  # the mirror comes after the rotation
        return replace(self, quarter_turns=self.quarter_turns + turns)

    def flipped_horizontally(self) -> Camera:
        """Mirror what is seen left to right."""
        return replace(self, flipped=not self.flipped, against=_OPPOSITE[self.against])

    def flipped_vertically(self) -> Camera:
        """Mirror what is seen top to bottom."""
        return replace(self, flipped=not self.flipped, quarter_turns=self.quarter_turns + 2)

    def scaled(self, factor: float) -> Camera:
        """Show the same part of the image in a viewport `factor` times as large (export at 2×)."""
        return self if self.zoom is None else replace(self, zoom=self.zoom * factor)


@dataclass(frozen=True, slots=True)
class ViewTransform:
    """Image ``(row, column)`` ↔ device pixels ``(x, y)`` of one viewport.

    The image's outline begins on whole device pixels, so no picture is softened by a
    fraction of a pixel (the camera's centre is met within half a device pixel).

    Attributes
    ----------
    camera : Camera
    shape : tuple of int
        ``(rows, columns)`` of the image.
    size : tuple of int
        ``(width, height)`` of the viewport in device pixels.
    spacing : PixelSpacing or None
        Pixels are shown with its aspect.
    ratio : float
        Device pixels per logical pixel: what texts, pens and handles are scaled by.
    aspect : tuple of float
        Height and width of a pixel where there is no spacing, the smaller being 1.
    draft : bool
        The image is seen for a moment only, and made of blocks of `DRAFT_BLOCK` equal pixels each way: one of each
        is looked at, and where it is reduced nothing is averaged, which is faster.

    """

    camera: Camera
    shape: tuple[int, int]
    size: tuple[int, int]
    spacing: PixelSpacing | None = None
    ratio: float = 1.0
    aspect: tuple[float, float] = (1.0, 1.0)
    draft: bool = False
    zoom: float = field(init=False)
    """Device pixels per image pixel along the finer axis, `Camera.fit` resolved."""
    _matrix: tuple[float, float, float, float] = field(init=False, repr=False)
    _offset: tuple[float, float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if min(*self.shape, *self.size) < 1:
            raise ValueError(f"nothing to show: image {self.shape}, viewport {self.size}")
        zoom = self.camera.zoom or self.fit_zoom
        xx, xy, yx, yy = _TURNS[self.camera.quarter_turns]
        mirror = -1 if self.camera.flipped else 1
        per_column, per_row = (zoom * a for a in self._aspect)
        matrix = (mirror * xx * per_column, mirror * xy * per_row, yx * per_column, yy * per_row)
        object.__setattr__(self, "zoom", zoom)
        object.__setattr__(self, "_matrix", matrix)
        object.__setattr__(self, "_offset", self._snapped(matrix))

    @property
    def _aspect(self) -> tuple[float, float]:
        """Size of a pixel along a row and along a column, the smaller being 1."""
        if self.spacing is None:
            return (self.aspect[1], self.aspect[0])
        finer = min(self.spacing.row, self.spacing.column)
        return (self.spacing.column / finer, self.spacing.row / finer)

    @property
    def fit_zoom(self) -> float:
        """Zoom at which the camera's extent, or the whole image, just fits."""
        extent = self.camera.extent or self.shape
        width, height = (n * a for n, a in zip(reversed(extent), self._aspect, strict=True))
        if self.camera.quarter_turns % 2:
            width, height = height, width
        return min(self.size[0] / width, self.size[1] / height)

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Device pixels per row and per column of the image."""
        across, down = self._aspect
        return (self.zoom * down, self.zoom * across)

    @property
    def is_fit(self) -> bool:
        """Whether the camera follows the viewport's size."""
        return self.camera.zoom is None

    @property
    def centre(self) -> Point:
        """``(row, column)`` at the viewport's centre, as the camera asks."""
        if self.camera.centre is not None:
            return self.camera.centre
        rows, columns = self.shape
        row, column = (rows - 1) / 2, (columns - 1) / 2
        if not self.camera.against:
            return (row, column)
        a, b, c, d = self._matrix
        aside = (self.size[0] - abs(a) * columns - abs(b) * rows) / 2  # device pixels from the middle to the edge
        scale = (aside if self.camera.against == "right" else -aside) / (a * d - b * c)
        return (row + c * scale, column - d * scale)

    @property
    def pixels_per_mm(self) -> float | None:
        """Device pixels per mm, the same in both directions; None without spacing."""
        return None if self.spacing is None else self.zoom / min(self.spacing.row, self.spacing.column)

    def _snapped(self, matrix: tuple[float, float, float, float]) -> tuple[float, float]:
        a, b, c, d = matrix
        row, column = self.centre
        x = self.size[0] / 2 - a * column - b * row
        y = self.size[1] / 2 - c * column - d * row
        corners = [(i * (self.shape[1]) - 0.5, j * self.shape[0] - 0.5) for i in (0, 1) for j in (0, 1)]
        left = min(a * i + b * j for i, j in corners)
        top = min(c * i + d * j for i, j in corners)
        # Ties go up, and those that rounding errors hide too: else a pan by one pixel would jump by two.
        return (math.floor(x + left + 0.500001) - left, math.floor(y + top + 0.500001) - top)

    @property
    def matrix(self) -> tuple[float, float, float, float, float, float]:
        """``(a, b, c, d, e, f)``: x = a·column + b·row + e, y = c·column + d·row + f."""
        return (*self._matrix, *self._offset)

    def to_view(self, row: float, column: float) -> tuple[float, float]:
        """Device ``(x, y)`` of an image point."""
        a, b, c, d, e, f = self.matrix
        return (a * column + b * row + e, c * column + d * row + f)

    def to_image(self, x: float, y: float) -> Point:
        """Image ``(row, column)`` of a device point, the inverse of `to_view`."""
        a, b, c, d, e, f = self.matrix
        x, y = x - e, y - f
        determinant = a * d - b * c
        return ((a * y - c * x) / determinant, (d * x - b * y) / determinant)

    def image_direction(self, x: float, y: float) -> tuple[int, int]:
        """Signs ``(row, column)`` of the image axis that points along ±x or ±y on the screen."""
        a, b, c, d = self._matrix
        column, row = a * x + c * y, b * x + d * y
        return ((row > 0) - (row < 0), (column > 0) - (column < 0))

    def image_rectangle(self) -> tuple[float, float, float, float]:
        """``(left, top, right, bottom)`` of the whole image in device pixels; left and top are whole."""
        rows, columns = self.shape
        x0, y0 = self.to_view(-0.5, -0.5)
        x1, y1 = self.to_view(rows - 0.5, columns - 0.5)
        return (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

    def pixel_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Image ``(row, column)`` of the pixel under a device point; None beside the image."""
        row, column = (math.floor(v + 0.5) for v in self.to_image(x, y))
        inside = 0 <= row < self.shape[0] and 0 <= column < self.shape[1]
        return (row, column) if inside else None

    def with_camera(self, camera: Camera) -> ViewTransform:
        """Return the same viewport and image through another camera."""
        return ViewTransform(camera, self.shape, self.size, self.spacing, self.ratio, self.aspect, self.draft)

    def one_to_one(self) -> Camera:
        """Camera with one device pixel per image pixel (of the finer axis), same centre."""
        return self._looking(1.0, self.centre)

    def zoomed(self, factor: float, x: float | None = None, y: float | None = None) -> Camera:
        """Camera zoomed by `factor` about a device point (default: the centre), which keeps its place."""
        x = self.size[0] / 2 if x is None else x
        y = self.size[1] / 2 if y is None else y
        smallest = min(self.fit_zoom, 1.0) / 8
        zoom = min(max(self.zoom * factor, smallest), LARGEST_ZOOM)
        row, column = self.to_image(x, y)
        here_row, here_column = self.to_image(self.size[0] / 2, self.size[1] / 2)
        shrink = self.zoom / zoom
        return self._looking(zoom, (row + (here_row - row) * shrink, column + (here_column - column) * shrink))

    def panned(self, dx: float, dy: float) -> Camera:
        """Camera after the picture was dragged by ``(dx, dy)`` device pixels; the image never gets lost."""
        row, column = self.centre
        origin, moved = self.to_image(0, 0), self.to_image(dx, dy)
        return self._looking(self.zoom, (row - moved[0] + origin[0], column - moved[1] + origin[1]))

    def _looking(self, zoom: float, centre: Point) -> Camera:
        shrink = self.zoom / zoom

        def near(value: float, here: float, count: int) -> float:
            """Keep to the image, or as far beside it on the screen as the camera looks already."""
            low, high = -0.5, count - 0.5
            return min(max(value, low - max(low - here, 0.0) * shrink), high + max(here - high, 0.0) * shrink)

        row, column = (near(*values) for values in zip(centre, self.centre, self.shape, strict=True))
        return replace(self.camera, zoom=zoom, centre=(row, column))
