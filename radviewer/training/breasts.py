"""Breast ultrasound images with outlined lesions, changed at random as other devices and hands would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from radviewer.ai.intensity import content_box
from radviewer.ai.sonograms import inverse, laid, letterbox, normalised
from radviewer.training.augment import Geometry, random_affine, random_detail, random_tone
from radviewer.training.data import Bytes, Row, read_grey, read_index
from radviewer.training.loop import Batch

LONGEST = 256
FOLDS = 5
BATCH = 16
_CANVASES = ((256, 192), (224, 224), (192, 256))
_CANVAS_SHARES = (0.6, 0.3, 0.1)
_MALIGNANT = 0.42  # share of the images drawn
_CHANGED = 0.6  # share of the images changed as another device might have
_CLUTTERED = 0.4  # share of them with new letters and marks
_RANGES = Geometry(degrees=10, zoom=(0.85, 1.25), aspect=1.12, shift=0.06, shear=0.04)
_PROPORTION = 1.5  # of pieces, at most
_MARGIN = 6  # pixels left free around the lesion
_LEAST_PIECE = 90  # pixels of the shorter side

Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the training.

    Attributes
    ----------
    without : float
        Share of the images that are a piece without its lesion.
    frozen : int
        Stages of the encoder that stay as they are; -1: none, and its stem learns too.
    read : float
        Part of the target that the readers' BI-RADS category gives: how often it turned out malignant.

    """

    name: str
    epochs: int
    rate: float
    without: float
    frozen: int = -1
    read: float = 0.0
    steps: int = 100


FIRST = Phase("", 8, 1e-3, 0.1)
SECOND = Phase("-on", 6, 7e-4, 0.18, frozen=2, read=0.2)
"""Goes on with more pieces without a lesion and softer labels: malignancy was learnt by heart before outlines were."""
WHOLE = Phase("-whole", 8, 1e-3, 0.06)
"""A network of its own, for malignancy from the whole image."""


@dataclass(frozen=True, slots=True, eq=False)
class Breast:
    """One image.

    Attributes
    ----------
    image, cleaned : ndarray, uint8, (rows, columns)
        As it is, and without the calipers at the lesion; the flat border is cut off both.
    lesion : ndarray, uint8, (rows, columns)
        0 or 255.
    origin : tuple of int
        Row and column of the cut-out in the file.

    """

    row: Row
    fold: int
    malignant: bool
    image: Bytes
    cleaned: Bytes
    lesion: Bytes
    origin: tuple[int, int]


def load(data: Path) -> list[Breast]:
    """Read ``data/breast-ultrasound`` with the folds it comes with, counted from 0."""
    return [_read(row) for row in read_index(data / "breast-ultrasound")]


def _read(row: Row) -> Breast:
    image = read_grey(row.image)
    lesion = read_grey(row.image.parents[1] / row.cells["lesion_mask"])
    top, left, bottom, right = content_box(image)
    image, lesion = image[top:bottom, left:right].copy(), lesion[top:bottom, left:right].copy()
    cleaned = without_calipers(image, lesion)
    fold = int(row.cells["fold"]) - 1
    return Breast(row, fold, row.cells["label"] == "malignant", image, cleaned, lesion, (top, left))


def without_calipers(image: Bytes, lesion: Bytes) -> Bytes:
    """Paint over thin bright marks near the outline, where calipers stand."""
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (9, 9))
    thin = cv2.morphologyEx(image, cv2.MORPH_TOPHAT, kernel)
    ring = cv2.morphologyEx(lesion, cv2.MORPH_GRADIENT, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (31, 31)))
    marks = ((thin > 70) & (image > 150) & (ring > 0)).astype(np.uint8)
    grown = cv2.dilate(marks, np.ones((3, 3), np.uint8)).astype(np.uint8, copy=False)
    return cv2.inpaint(image, grown, 3, cv2.INPAINT_TELEA).astype(np.uint8, copy=False)


def _parts(breast: Breast) -> list[Bytes]:
    """Parts of an image above, below, left and right of its lesion that are large enough."""
    rows, columns = np.nonzero(breast.lesion)
    if not rows.size:
        return []
    height, width = breast.image.shape
    top, bottom = max(0, int(rows.min()) - _MARGIN), min(height, int(rows.max()) + _MARGIN)
    left, right = max(0, int(columns.min()) - _MARGIN), min(width, int(columns.max()) + _MARGIN)
    image = breast.image
    parts = [image[:top], image[bottom:], image[:, :left], image[:, right:]]
    return [part for part in parts if min(part.shape) >= _LEAST_PIECE]


def without_lesion(breast: Breast) -> Bytes | None:
    """The largest part of an image without its lesion, no longer than half again its width; None without any."""
    parts = _parts(breast)
    if not parts:
        return None
    part = max(parts, key=lambda p: p.size)
    longest = int(_PROPORTION * min(part.shape))
    return part[:longest, :longest]


def _piece(rng: Generator, breast: Breast) -> tuple[Bytes, Bytes] | None:
    """A random part of an image without its lesion, and its empty outline; None without any."""
    parts = _parts(breast)
    if not parts:
        return None
    part = parts[int(rng.integers(len(parts)))]
    longest = int(_PROPORTION * min(part.shape))  # a strip would be mostly border on the canvas: a give-away
    first_row, first_column = (int(rng.integers(max(1, n - longest + 1))) for n in part.shape)
    part = part[first_row : first_row + longest, first_column : first_column + longest]
    return part, np.zeros_like(part)


def random_scan(rng: Generator, image: Grey) -> Grey:
    """Change a 0–1 scan as another device might have: gain, compression, speckle, sharpness."""
    rows, columns = image.shape
    if rng.random() < 0.5:
        gain = np.interp(np.linspace(0, 3, rows), np.arange(4), rng.normal(0, 0.3, 4))
        across = np.interp(np.linspace(0, 2, columns), np.arange(3), rng.normal(0, 0.12, 3))
        image = image * np.exp(gain[:, None] + across[None, :]).astype(np.float32)
    if rng.random() < 0.8:
        image = random_tone(rng, np.clip(image, 0, 1))
    if rng.random() < 0.2:
        grain = cv2.GaussianBlur(rng.normal(0, 1, image.shape).astype(np.float32), (0, 0), rng.uniform(0.5, 1.6))
        image = image * np.exp(rng.uniform(0.08, 0.28) / max(1e-3, float(grain.std())) * grain)
    if rng.random() < 0.5:
        image = random_detail(rng, image)
    clipped: Grey = np.clip(image, 0, 1).astype(np.float32)
    return clipped


def random_clutter(rng: Generator, image: Grey) -> Grey:
    """Calipers, dotted lines, lettering, rulers and grey scales wherever they may stand."""
    image = image.copy()
    rows, columns = image.shape
    ink = float(rng.uniform(0.7, 1.0))
    for _ in range(int(rng.integers(0, 5)) if rng.random() < 0.5 else 0):
        x, y = int(rng.integers(columns)), int(rng.integers(rows))
        kind = int(rng.choice([cv2.MARKER_CROSS, cv2.MARKER_TILTED_CROSS]))
        cv2.drawMarker(image, (x, y), (ink,), kind, int(rng.integers(4, 10)), 1)
    if rng.random() < 0.15:
        (x0, y0), (x1, y1) = rng.uniform(0, 1, (2, 2)) * (columns, rows)
        for t in np.linspace(0, 1, int(rng.integers(8, 40))):
            x, y = int(x0 + t * (x1 - x0)), int(y0 + t * (y1 - y0))
            image[max(0, y) : y + 1, max(0, x) : x + 1] = ink
    if rng.random() < 0.3:
        letters = "".join(chr(int(c)) for c in rng.integers(65, 91, int(rng.integers(3, 14))))
        height = float(rng.choice([rng.uniform(0.03, 0.15), rng.uniform(0.6, 1)]))
        place = (int(rng.integers(0, columns // 2)), int(height * rows))
        lettering = np.zeros(image.shape, np.uint8)  # letters are only drawn on bytes
        cv2.putText(lettering, letters, place, cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.2, 0.5), (255,), 1)
        image = np.maximum(image, lettering.astype(np.float32) * np.float32(ink / 255))
    if rng.random() < 0.2:
        x, step = int(rng.choice([2, columns - 6])), int(rng.integers(8, 40))
        image[::step, x : x + 4] = ink
    if rng.random() < 0.15:
        height, x = int(rng.uniform(0.2, 0.6) * rows), int(rng.choice([0, columns - 6]))
        image[:height, x : x + 6] = np.linspace(1, 0, height, dtype=np.float32)[:, None]
    return image


def _matrix(rng: Generator, shape: tuple[int, int], canvas: tuple[int, int]) -> NDArray[np.float64]:
    """Random map of an image onto a canvas: filled in the middle of a square, turned, and cut."""
    onto = np.vstack([inverse(letterbox(shape, (LONGEST, LONGEST))), (0, 0, 1)])
    moved = np.vstack([random_affine(rng, LONGEST, _RANGES, flip=bool(rng.random() < 0.5)), (0, 0, 1)])
    cut = np.array([[1, 0, (canvas[1] - LONGEST) / 2], [0, 1, (canvas[0] - LONGEST) / 2], [0, 0, 1]])
    whole: NDArray[np.float64] = (cut @ moved @ onto)[:2]
    return whole


def _example(rng: Generator, breast: Breast, canvas: tuple[int, int], without: float) -> tuple[Grey, Grey, bool]:
    """Image ``canvas``, share of lesion in the outline's cells, and whether the lesion is on it."""
    piece = _piece(rng, breast) if rng.random() < without else None
    image, lesion = piece or ((breast.cleaned if rng.random() < 0.5 else breast.image), breast.lesion)
    matrix = _matrix(rng, (image.shape[0], image.shape[1]), canvas)
    grey, inside = laid(image.astype(np.float32) / np.float32(255), matrix, canvas)
    if rng.random() < _CHANGED:
        grey = random_scan(rng, grey)
    if rng.random() < _CLUTTERED:
        grey = random_clutter(rng, grey)
    half = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1]]) @ np.vstack([matrix, (0, 0, 1)])
    share = cv2.warpAffine(lesion, half[:2], (canvas[1] // 2, canvas[0] // 2), flags=cv2.INTER_LINEAR)
    share = cv2.GaussianBlur(share, (0, 0), 0.5).astype(np.float32) / np.float32(255)
    return normalised(grey, inside), share, piece is None


def suspicions(breasts: Sequence[Breast], read: float) -> dict[str, float]:
    """How malignant each lesion counts, 0–1: biopsy, and by the part `read` the rate of its BI-RADS category."""
    categories: dict[str, list[bool]] = {}
    for breast in breasts:
        categories.setdefault(breast.row.cells["birads"], []).append(breast.malignant)
    rates = {category: float(np.mean(malignant)) for category, malignant in categories.items()}
    return {b.row.name: (1 - read) * b.malignant + read * rates[b.row.cells["birads"]] for b in breasts}


def batches(breasts: Sequence[Breast], phase: Phase, seed: int, epoch: int) -> Iterator[Batch]:
    """One epoch of batches, each of one canvas.

    Keys: image ``(n, 1, rows, columns)``, outline ``(n, 1, rows / 2, columns / 2)`` 0–1, malignant ``(n,)`` 0–1.
    """
    rng = np.random.default_rng((seed, epoch))
    suspicion = suspicions(breasts, phase.read)
    pools = [[b for b in breasts if b.malignant], [b for b in breasts if not b.malignant]]
    for _ in range(phase.steps):
        canvas = _CANVASES[int(rng.choice(len(_CANVASES), p=_CANVAS_SHARES))]
        images, outlines, malignant = [], [], []
        for _ in range(BATCH):
            pool = pools[0] if rng.random() < _MALIGNANT else pools[1]
            breast = pool[int(rng.integers(len(pool)))]
            image, outline, whole = _example(rng, breast, canvas, phase.without)
            images.append(image)
            outlines.append(outline)
            malignant.append(suspicion[breast.row.name] if whole else 0.0)
        yield {
            "image": torch.from_numpy(np.stack(images)[:, None]),
            "outline": torch.from_numpy(np.stack(outlines)[:, None]),
            "malignant": torch.tensor(malignant),
        }
