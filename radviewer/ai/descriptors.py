"""Descriptors of a mass on ultrasound: shape, orientation, margin, echoes, what lies behind it.

Nine numbers of the outline that the networks draw, on their canvas, so that neither the size of the image nor its gain
counts; they follow the categories by which the ACR BI-RADS Atlas (5th edition, ultrasound) describes masses.  A
weighted sum of them is a second, transparent judge beside the networks (logistic regression on held-out outlines);
those that readers can check with their own eyes are shown beside the diameters.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.ai.cards import DescriptorCard
from radviewer.ai.extent import filled, lesion_logits
from radviewer.ai.sonograms import Scan

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]

_RIM = 0.12  # width of the rims on both sides of the border, in roots of the lesion's area
_BEHIND = 0.6  # how deep "behind" reaches, in heights of the lesion
_FLANK = 0.2  # of its width is left out on both sides: edge shadows are none of the lesion's
_BESIDE = 0.3  # how far "beside" reaches, in widths
_SMOOTH = 1.0  # pixels, before gradients
MOST_SPREADS = 3.0
"""Standard deviations that a descriptor counts at most: another device may show what was never measured."""


class Descriptors(NamedTuple):
    """Descriptors of one lesion; grey values count 0–1 as on the canvas.

    Attributes
    ----------
    depth_to_width : float
        Height of the outline over its width: above 1 it is taller than wide, "not parallel".
    solidity : float
        Area over that of the convex hull: lobulated and angular borders leave more of it empty.
    circularity : float
        4 π × area over the square of the perimeter.
    radial_variation : float
        Standard deviation over mean of the distances from the border's mean point to the border.
    echogenicity : float
        Mean inside less the mean of the scan.
    heterogeneity : float
        Standard deviation inside.
    boundary_contrast : float
        Mean of the rim outside less that of the rim inside.
    sharpness : float
        Mean gradient along the border, per pixel.
    posterior_echoes : float
        Mean behind the lesion less that at the same depth beside it: below 0 it casts a shadow.

    """

    depth_to_width: float
    solidity: float
    circularity: float
    radial_variation: float
    echogenicity: float
    heterogeneity: float
    boundary_contrast: float
    sharpness: float
    posterior_echoes: float


def contribution(found: Descriptors | None, card: DescriptorCard | None) -> float:
    """What the descriptors add to the networks' logit: each at most three standard deviations from what is usual.

    Without an outline they say what they say of a usual lesion; without a card nothing.
    """
    if card is None:
        return 0.0
    if found is None:
        return card.intercept
    named = found._asdict()
    return card.intercept + sum(
        term.weight * float(np.clip((named[term.name] - term.mean) / term.spread, -MOST_SPREADS, MOST_SPREADS))
        for term in card.terms
    )


def described(outline: Grey, scan: Scan) -> Descriptors | None:
    """Describe the largest part of an outline; what lies beside the scan counts nothing.

    Parameters
    ----------
    outline : ndarray, float32, (rows / 2, columns / 2)
        Logits on the scan's canvas.
    scan : Scan
        The canvas.

    Returns
    -------
    Descriptors or None
        None where no lesion is outlined.

    """
    logits = lesion_logits(outline)
    if logits is None:
        return None
    grey, inside = scan.grey, scan.inside
    larger = cv2.resize(logits, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    mask = filled(larger > 0)
    smooth = cv2.GaussianBlur(grey, (0, 0), _SMOOTH)
    slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)) / 8
    width = max(1, round(_RIM * float(np.sqrt(mask.sum()))))
    inner, outer = (_rim(mask, width, within=within) & inside for within in (True, False))
    border = _rim(mask, 1, within=True) & inside
    behind, beside = (place & inside for place in _behind(mask))
    return Descriptors(
        *_shape(mask),
        echogenicity=_apart(grey, mask, inside),
        heterogeneity=float(grey[mask].std()),
        boundary_contrast=_apart(grey, outer, inner),
        sharpness=float(slope[border].mean()) if border.any() else 0.0,
        posterior_echoes=_apart(grey, behind, beside),
    )


def _apart(grey: Grey, here: Mask, there: Mask) -> float:
    """Difference of means; 0 where one of the places lies outside the scan."""
    return float(grey[here].mean() - grey[there].mean()) if here.any() and there.any() else 0.0


def _shape(mask: Mask) -> tuple[float, float, float, float]:
    """Depth to width, solidity, circularity and radial variation, over the outer borders of pixels."""
    _, _, width, height = cv2.boundingRect(mask.astype(np.uint8))
    larger = cv2.resize(mask.astype(np.uint8), None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(larger, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    border = max(contours, key=len)[:, 0].astype(np.float32) / np.float32(4)
    smooth = _round(border)
    area = max(float(cv2.contourArea(smooth)), 1.0)
    hull = max(float(cv2.contourArea(cv2.convexHull(smooth))), area)
    perimeter = max(float(cv2.arcLength(smooth, True)), 1.0)
    radii = np.hypot(*(smooth - smooth.mean(axis=0)).T)
    return (
        height / width,
        area / hull,
        4 * float(np.pi) * area / perimeter**2,
        float(radii.std() / max(float(radii.mean()), 1e-6)),
    )


def _round(border: Grey) -> Grey:
    """A closed border ``(n, 2)``, four points a pixel, without the steps of pixels: means over three pixels."""
    around = np.pad(border, ((6, 6), (0, 0)), mode="wrap")
    means = [np.convolve(around[:, axis], np.full(13, 1 / 13), mode="valid") for axis in (0, 1)]
    found: Grey = np.stack(means, axis=1).astype(np.float32)
    return found


def _rim(mask: Mask, width: int, *, within: bool) -> Mask:
    """Pixels within `width` of the border, on one side of it."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    values = mask.astype(np.uint8)
    moved = cv2.erode(values, kernel) if within else cv2.dilate(values, kernel)
    rim: Mask = (moved > 0) != mask
    return rim


def _behind(mask: Mask) -> tuple[Mask, Mask]:
    """What lies deeper than the lesion under its middle, and at the same depth beside it."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    right, deeper = left + width, slice(top + height, top + height + round(_BEHIND * height))
    flank, far = round(_FLANK * width), round(_BESIDE * width)
    behind, beside = np.zeros_like(mask), np.zeros_like(mask)
    behind[deeper, left + flank : right - flank] = True
    beside[deeper, max(0, left - far) : left] = True
    beside[deeper, right : right + far] = True
    return behind, beside
