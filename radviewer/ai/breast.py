"""The task on breast ultrasound: outline of the lesion on every frame, and how likely it is malignant."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.calibration import probability
from radviewer.ai.cards import Card, FindingCard, unseen
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.extent import diameters, filled, lesion_logits
from radviewer.ai.films import Refuse, Refused, raise_refused
from radviewer.ai.request import Request, hashes
from radviewer.ai.sonograms import Scan, grey_of, pixel_of, scan_of
from radviewer.ai.strangeness import strangeness
from radviewer.domain.measurement import Quantity
from radviewer.domain.opinion import Finding, Glimpse, Opinion, Outcome, Seconds
from radviewer.domain.volume import SliceImage
from radviewer.progress import Progress

if TYPE_CHECKING:
    from radviewer.ai.lesion_ensemble import Judgement
    from radviewer.ai.lesion_networks import BreastNet

Mask = NDArray[np.bool_]

_LARGE = 0.5  # of the largest outline of a cine: frames that show the lesion well
_TOLD = 3  # reasons why images were left out
NO_LESION = "No lesion was outlined."


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """What was found on one frame."""

    judgement: Judgement
    mask: Mask


def lesion_of(judgement: Judgement, shape: tuple[int, int]) -> Mask:
    """The lesion on the image's own pixels: the largest part of the outline, holes filled; empty if too small."""
    logits = lesion_logits(judgement.outline)
    if logits is None:
        return np.zeros(shape, np.bool_)
    return filled(judgement.placed(logits).mask(logits, shape))


def heat_of(
    judgement: Judgement, item: FindingCard, shape: tuple[int, ...], scale: float | None = None
) -> NDArray[np.float32]:
    """Heatmap of one image, 0–1 on its own pixels: what speaks for malignancy if flagged, against it if not.

    `scale` in place of the card's, in logits: of a very large one nothing is cut off at 1.
    """
    flagged = probability(judgement.logit, item.calibration) >= item.threshold
    return judgement.heat(scale or item.heat_scale, shape, flagged)


def judged_image(catalogue: Catalogue, card: Card, image: SliceImage, only_fold: int | None = None) -> Judgement:
    """Run the ensemble, or only the member that has not seen `only_fold`, on one image.

    Raises
    ------
    Refused
        If the image is no B-mode image of a breast; a single member does not judge that.

    """
    from radviewer.ai.lesion_ensemble import judge, members

    nets = list(members(catalogue, unseen(card, only_fold)))
    scan = scan_of(grey_of(image), card.input_size, pixel=pixel_of(image))
    judgement = judge(nets, scan, Progress(), card.findings[0].descriptors)
    if only_fold is None:
        _check(catalogue, card, judgement, raise_refused)
    return judgement


def read(request: Request, loaded: float) -> Opinion:
    """Read an image or a cine; `loaded` is what loading the networks took, in seconds.

    Raises
    ------
    Refused, BadModel, Cancelled

    """
    from radviewer.ai.lesion_ensemble import members

    started = time.perf_counter()
    card = request.card
    nets = list(members(request.catalogue, unseen(card, None)))
    frames, reasons = _frames(request, nets)
    if not frames:
        raise Refused(next(iter(reasons.values()), "No image could be read."))
    inferred = time.perf_counter()
    finding = _finding(card.findings[0], request, frames)
    seconds = Seconds(loaded, inferred - started, time.perf_counter() - inferred)
    said = [NO_LESION] if finding.mask is None else []
    if finding.likeliest is not None:
        said.append(f"Each image was judged by itself; the likeliest is image {finding.likeliest + 1}.")
    reason = " ".join((*said, *_left_out(reasons, len(request.volume.slices)))) or None
    return Opinion(card.name, card.version, Outcome.RAN, hashes(card), reason, seconds, (finding,))


def _frames(request: Request, nets: Sequence[BreastNet]) -> tuple[dict[int, _Frame], dict[int, str]]:
    """What was found on each frame, and why others were not read; the frame on the screen first."""
    from radviewer.ai.lesion_ensemble import judge

    images = request.volume.slices
    order = sorted(range(len(images)), key=lambda i: (abs(i - request.first), i))
    frames: dict[int, _Frame] = {}
    reasons: dict[int, str] = {}
    for done, index in enumerate(order):
        try:
            scan = _scan(request, images[index], index)
            judgement = judge(nets, scan, request.progress, request.card.findings[0].descriptors)
            _check(request.catalogue, request.card, judgement, request.refuse)
        except Refused as refusal:
            reasons[index] = str(refusal)
        else:
            frames[index] = _Frame(judgement, lesion_of(judgement, scan.shape))
            _tell(request, index, frames[index])
        request.progress.report(done + 1, len(order), f"{done + 1} of {len(order)} images")
    return frames, reasons


def _check(catalogue: Catalogue, card: Card, judgement: Judgement, refuse: Refuse) -> None:
    if card.distance is not None and strangeness(catalogue, card, judgement.features) > card.distance.limit:
        refuse("The image does not look like the breast ultrasound images the model was trained on.")


def _scan(request: Request, image: SliceImage | None, index: int) -> Scan:
    if image is None:
        raise Refused(request.volume.problems.get(index, "The image could not be read."))
    grey = grey_of(image, request.refuse)
    return scan_of(grey, request.card.input_size, request.refuse, pixel_of(image))


def _tell(request: Request, index: int, frame: _Frame) -> None:
    if request.show is None:
        return
    item = request.card.findings[0]
    chance = probability(frame.judgement.logit, item.calibration)
    heat = heat_of(frame.judgement, item, request.volume.stored.shape[1:3])
    request.show(Glimpse(request.card.name, item.label, index, chance, frame.mask, heat))


def _left_out(reasons: dict[int, str], count: int) -> tuple[str, ...]:
    if not reasons:
        return ()
    different = list(dict.fromkeys(reasons[i] for i in sorted(reasons)))
    more = f" And {len(different) - _TOLD} reasons more." if len(different) > _TOLD else ""
    were = "was" if len(reasons) == 1 else "were"
    return (f"{len(reasons)} of {count} images {were} not read. {' '.join(different[:_TOLD])}{more}",)


def _finding(item: FindingCard, request: Request, frames: dict[int, _Frame]) -> Finding:
    shape = request.volume.stored.shape[:3]
    mask = np.zeros(shape, np.bool_)
    heat = np.zeros(shape, np.float32)
    key = likeliest(frames) if request.context.stills else None
    chance = probability(cine_logit(frames) if key is None else frames[key].judgement.logit, item.calibration)
    for index, frame in frames.items():
        mask[index] = frame.mask
        heat[index] = frame.judgement.heat(item.heat_scale, shape[1:], chance >= item.threshold)  # one verdict for all
    single = len(request.volume.slices) == 1
    own = {i: probability(frame.judgement.logit, item.calibration) for i, frame in frames.items()}
    return Finding(
        item.label,
        Outcome.RAN,
        chance,
        item.threshold,
        mask=mask if mask.any() else None,
        heatmap=heat,
        measurements=_measured(request, mask, frames, key),
        evidence=item.evidence,
        likeliest=key,
        slice_probabilities=() if single else tuple(own.get(i) for i in range(shape[0])),
    )


def cine_logit(frames: dict[int, _Frame]) -> float:
    """Mean logit of the frames that show the lesion well; of all where none was outlined."""
    areas = {i: int(frame.mask.sum()) for i, frame in frames.items()}
    least = _LARGE * max(areas.values())
    return float(np.mean([frames[i].judgement.logit for i, area in areas.items() if area >= least]))


def likeliest(frames: dict[int, _Frame]) -> int:
    """Of images that were acquired one by one, perhaps of several lesions, the one that looks most malignant."""
    return max(frames, key=lambda i: (frames[i].judgement.logit, -i))


def _measured(request: Request, mask: Mask, frames: dict[int, _Frame], key: int | None) -> tuple[Quantity, ...]:
    """Size and shape: in mm where the ultrasound region is calibrated.

    On the image `key`, if something is outlined there; else on the one with the largest outline.
    """
    if key is None:
        key = int(mask.sum(axis=(1, 2)).argmax())
    if not mask[key].any():
        return ()
    image = request.volume.slices[key]
    spacing = None if image is None else image.spacing
    steps = (1.0, 1.0) if spacing is None else (spacing.row, spacing.column)
    longest, across = diameters(mask[key], steps)
    unit, area_unit = ("{pixels}", "{pixels}") if spacing is None else ("mm", "mm2")
    area = float(mask[key].sum()) * steps[0] * steps[1]
    return (
        Quantity("largest diameter", longest, unit),
        Quantity("perpendicular diameter", across, unit),
        Quantity("area", area, area_unit),
        *_shape(frames[key].judgement),
    )


def _shape(judgement: Judgement) -> tuple[Quantity, ...]:
    """What of the descriptors readers can check with their own eyes."""
    found = judgement.descriptors
    if found is None:
        return ()
    return (
        Quantity("depth-to-width ratio", found.depth_to_width, "1"),
        Quantity("area / convex hull", found.solidity, "1"),
    )
