"""Loss of the anatomy recipe, and what its teacher adds where people drew nothing.

One hospital's films have hearts outlined.  A network trained on them alone draws hearts on that
hospital's films only.  So the moving average of the network (the teacher) outlines the untouched
film, and where its outline has the shape of a heart or of a pair of lungs, the network has to find
the same on the altered film.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from radviewer.training.anatomy_films import HEART, LEFT, RIGHT, UNION
from radviewer.training.loop import Batch

Mask = NDArray[np.bool_]
_TEACHER_WEIGHT = 0.5  # of a film whose outlines nobody drew


@dataclass(frozen=True, slots=True)
class _Part:
    """Largest part of a mask: its share of the mask, of the film and of its own convex hull, and its centre."""

    whole: float
    area: float
    solid: float
    row: float
    column: float


def _part(mask: Mask) -> _Part | None:
    count, labels, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return None
    i = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    area = float(stats[i, cv2.CC_STAT_AREA])
    points = cv2.findNonZero((labels == i).astype(np.uint8))
    hull = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.asarray(points)), 1)
    column, row = (float(v) for v in centres[i])
    return _Part(area / float(mask.sum()), area / mask.size, area / float(hull.sum()), row, column)


def believable(masks: Mask) -> tuple[bool, bool]:
    """Whether right lung, left lung and heart ``(3, n, n)`` have the shape of lungs, and of a heart between them."""
    right, left, heart = (_part(mask) for mask in masks)
    if right is None or left is None:
        return False, False
    lungs = (
        min(right.area, left.area) > 0.015
        and max(right.area, left.area) < 5 * min(right.area, left.area)
        and min(right.whole, left.whole) > 0.93
        and min(right.solid, left.solid) > 0.75
        and left.column - right.column > abs(left.row - right.row)
    )
    if not lungs or heart is None:
        return lungs, False
    overlap = float((masks[2] & (masks[0] | masks[1])).sum() / masks[2].sum())
    return True, (
        0.01 < heart.area < 0.2
        and heart.whole > 0.9
        and heart.solid > 0.9
        and right.column < heart.column < left.column
        and heart.row > min(right.row, left.row)
        and overlap < 0.15
    )


@torch.no_grad()
def taught(teacher: nn.Module, batch: Batch) -> Batch:
    """Add the teacher's believable outlines: keys outline, lungs, heart and barred are replaced."""
    asked = torch.nonzero(batch["heart"] == 0)[:, 0]
    logits, _, _ = teacher(batch["clean"][asked].contiguous(memory_format=torch.channels_last))
    full = functional.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)
    outline, lungs, heart, barred = (batch[k].clone() for k in ("outline", "lungs", "heart", "barred"))
    for i, masks in zip(asked.tolist(), (full > 0).numpy(), strict=True):
        lungs_fit, heart_fits = believable(masks)
        if lungs[i] == 0 and lungs_fit:
            lungs[i] = _TEACHER_WEIGHT
            outline[i] = torch.from_numpy(masks[0] * np.uint8(RIGHT) | masks[1] * np.uint8(LEFT))
        if heart_fits:
            heart[i] = _TEACHER_WEIGHT
            barred[i] = 0
            outline[i] |= torch.from_numpy(masks[2] * np.uint8(HEART))
    return batch | {"outline": outline, "lungs": lungs, "heart": heart, "barred": barred}


def _overlap_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy + soft Dice per film, weighted mean over films; shapes (n, h, w) and (n,)."""
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(dim=(1, 2))
    share = torch.sigmoid(logits)
    both = (share * target).sum(dim=(1, 2))
    dice = (2 * both + 1) / (share.sum(dim=(1, 2)) + target.sum(dim=(1, 2)) + 1)
    return ((entropy + 1 - dice) * weight).sum() / weight.sum().clamp(min=1)


def loss_of(network: nn.Module, batch: Batch) -> Tensor:
    """Outlines where they are known, the union of the lungs where no sides are, and the polarity."""
    logits, negative, _ = network(batch["image"].contiguous(memory_format=torch.channels_last))
    logits = functional.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)
    outline = batch["outline"]
    sided = ((outline & UNION) == 0).flatten(1).all(dim=1).float() * batch["lungs"]
    union = (outline & (RIGHT | LEFT | UNION)).ne(0).float()
    lungs = _overlap_loss(logits[:, :2].amax(dim=1), union, batch["lungs"])
    right = _overlap_loss(logits[:, 0], (outline & RIGHT).ne(0).float(), sided)
    left = _overlap_loss(logits[:, 1], (outline & LEFT).ne(0).float(), sided)
    heart = _overlap_loss(logits[:, 2], (outline & HEART).ne(0).float(), batch["heart"])
    barred = (functional.softplus(logits[:, 2]) * batch["barred"]).sum() / batch["barred"].sum().clamp(min=1)
    polarity = functional.binary_cross_entropy_with_logits(negative, batch["negative"])
    return lungs + 0.5 * (right + left) + heart + 0.5 * barred + 0.1 * polarity
