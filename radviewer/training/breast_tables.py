"""What a release of the breast model writes down of every image it reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from radviewer.training.descriptors import Described
from radviewer.training.row_tables import read_rows

IMAGES, DESCRIPTORS = "held-out.csv", "descriptors.csv"


@dataclass(frozen=True, slots=True)
class Image:
    """What the member said of one image; logits are the networks' alone.

    Attributes
    ----------
    clean_dice, clean_inside : float, int
        Of the image without its calipers.
    hottest, hottest_against : float
        Hottest point of the heatmap of what speaks for malignancy, and against it, in logits.
    false_share : float
        Share of a part without lesion that was outlined; −1 where there is no such part.
    inside, inside_against, clean_inside, clean_inside_against : int
        Whether the peak of what speaks for malignancy, and of what speaks against it, lies in the drawn lesion.
    """

    film: str
    patient: str
    fold: int
    malignant: int
    device: str
    birads: str
    histology: str
    dice: float
    inside: int
    inside_against: int
    clean_dice: float
    clean_inside: int
    clean_inside_against: int
    logit: float
    clean_logit: float
    hottest: float
    hottest_against: float
    false_share: float


def read_images(path: Path) -> list[Image]:
    """Lines of `IMAGES`."""
    return read_rows(path, Image)


def read_descriptors(path: Path) -> tuple[list[Described], list[Described]]:
    """Lines of `DESCRIPTORS`: of the images as they are, and of those without calipers, in the order of `IMAGES`."""
    rows = read_rows(path, Described)
    return [row for row in rows if not row.clean], [row for row in rows if row.clean]
