"""Is this image what a model was made for.

Asked in this order, the first "no" is the reason: header attributes → image statistics (`films.film_of`)
→ distance in feature space → plausibility of the outlined anatomy.  A missing attribute is no
reason, a contradicting one is.  Every "no" goes through a `Refuse`, so that a reader may override it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radviewer.ai import brain_series
from radviewer.ai.cards import Card, Intended, Task
from radviewer.ai.context import Context
from radviewer.ai.films import Refuse, Refused, raise_refused

Mask = NDArray[np.bool_]

_NO_LUNGS = "No pair of lungs was found: not a frontal chest film, or too little of one."
_LATERAL = {"LATERAL", "LAT", "LL", "RL", "LLD", "RLD", "LLO", "RLO", "RAO", "LAO", "RPO", "LPO"}
_VIEW_WORDS = ("LATERAL", "OBLIQUE")
_CHEST_WORDS = ("CHEST", "THORAX", "LUNG", "HEART", "TORAX", "POUMON")
_BREAST_WORDS = ("BREAST", "BRST", "MAMM", "MAMA", "SEIN", "SENO", "BRUST", "BORST", "AXILLA")
_OTHER_WORDS = {
    "HAND", "WRIST", "FOOT", "ANKLE", "KNEE", "HIP", "PELVIS", "SKULL", "HEAD", "SPINE", "CSPINE", "LSPINE", "SHOULDER",
    "ELBOW", "ABDOMEN", "BREAST", "FEMUR", "TIBIA", "HUMERUS", "FOREARM", "FINGER", "TOE", "NECK", "LEG", "ARM",
}  # fmt: skip


_OTHER_ORGANS = re.compile(
    r"(?<![A-Z])(?:LIVER|HEPAT|LEBER|FOIE|HIGADO|KIDNEY|RENAL|NIERE|THYRO|SCHILDDR|GALLBL|BILIAR|PANCREA|SPLEEN|BLADDER"
    r"|PROSTAT|UTER|OVAR|PELVI|OBSTET|FETAL|FETUS|CARDIA|ECHOCAR|CAROTI|AORT|VENOUS|TESTI[CS]|SCROT|ABDOM|MUSCUL"
    r"|(?:DVT|HIPS?|KNEES?|SHOULDERS?|NECK|HEART)(?![A-Z]))"
)
"""In descriptions of ultrasound."""


@dataclass(frozen=True, slots=True)
class Plausible:
    """Bounds of a believable pair of lungs, as shares of the film.

    Taken from the labelled films with a margin; see the model's README.
    """

    smallest_lung: float = 0.02
    largest_lungs: float = 0.72
    smallest_lungs: float = 0.08
    most_unequal: float = 5.0
    least_agreement: float = 0.70


def check_attributes(card: Card, context: Context, refuse: Refuse = raise_refused) -> None:
    """Refuse what the header says is something else.

    Raises
    ------
    Refused
        By `refuse`; and for more than one film: an opinion on one is no opinion on the stack.

    """
    _CHECKS[card.task](card, context, refuse)


def _check_film(card: Card, context: Context, refuse: Refuse) -> None:
    if context.slices > 1:
        raise Refused(f"It reads single films; this stack has {context.slices} images.")
    if context.modality and context.modality not in card.modalities:
        refuse(f"It reads radiographs ({', '.join(card.modalities)}), not {context.modality}.")
    check_intended(card.intended, context, refuse)
    body = (context.body_part or "").replace(" ", "")
    if body and not any(word in body for word in _CHEST_WORDS) and any(word in body for word in _OTHER_WORDS):
        refuse(f"The header says this is not a chest: {context.body_part}.")
    view = context.view_position or ""
    if view in _LATERAL or any(word in view for word in _VIEW_WORDS):
        refuse(f"The header says this is not a frontal view: {view}.")


def _check_brain(card: Card, context: Context, refuse: Refuse) -> None:
    brain_series.check_attributes(context, refuse)
    check_intended(card.intended, context, refuse)


def _check_breast(card: Card, context: Context, refuse: Refuse) -> None:
    if context.modality and context.modality not in card.modalities:
        refuse(f"It reads ultrasound of the breast, not {context.modality}.")
    body = context.body_part or ""
    if body and not any(word in body for word in _BREAST_WORDS):
        refuse(f"The header says this is not a breast: {body}.")
    description = (context.description or "").upper()
    named = any(word in f"{body} {description}".upper() for word in _BREAST_WORDS)
    if not named and _OTHER_ORGANS.search(description):
        refuse(f'The header says this is not a breast: "{context.description}".')
    if not named and context.slices > 1 and not context.stills:
        refuse("The header does not say that this loop shows a breast, and loops of other organs look much the same.")
    if context.male:
        refuse("Outside intended use: intended for women, the patient is male.")
    check_intended(card.intended, context, refuse)


_CHECKS: dict[Task, Callable[[Card, Context, Refuse], None]] = {
    "chest anatomy": _check_film,
    "chest findings": _check_film,
    "brain glioma": _check_brain,
    "breast lesion": _check_breast,
}


def check_intended(intended: Intended, context: Context, refuse: Refuse = raise_refused) -> None:
    """Refuse a view or an age outside `intended`.

    Raises
    ------
    Refused
        By `refuse`.

    """
    view, age = context.view_position, context.age_years
    if intended.views and view and view not in intended.views:
        refuse(f"Outside intended use: intended for views {', '.join(intended.views)}, this is {view}.")
    if age is None:
        return
    if intended.youngest is not None and age < intended.youngest:
        refuse(f"Outside intended use: intended from {intended.youngest:g} years, the patient is {age:.0f}.")
    if intended.oldest is not None and age >= intended.oldest:
        refuse(f"Outside intended use: intended below {intended.oldest:g} years, the patient is {age:.0f}.")


def check_anatomy(
    lungs: tuple[Mask, Mask],
    agreement: float,
    bounds: Plausible | None = None,
    refuse: Refuse = raise_refused,
) -> None:
    """Refuse when the outlines are no pair of lungs.

    Parameters
    ----------
    lungs : tuple of ndarray of bool, (rows, columns)
        Right and left lung on the network's grid of the whole film.
    agreement : float
        Median Dice of the ensemble's members with the ensemble.
    bounds : Plausible, optional
        Default: the bundled model's.
    refuse : callable, optional
        Called with each reason.

    Raises
    ------
    Refused
        By `refuse`; and when there is no lung at all: there is nothing to read.

    """
    bounds = bounds or Plausible()
    right, left = (float(mask.mean()) for mask in lungs)
    if not right + left > 0:
        raise Refused(_NO_LUNGS)
    if min(right, left) < bounds.smallest_lung or right + left < bounds.smallest_lungs:
        refuse(_NO_LUNGS)
    if right + left > bounds.largest_lungs:
        refuse("What was found is too large for a pair of lungs: not a frontal chest film.")
    if max(right, left) > bounds.most_unequal * min(right, left):
        refuse("The two sides found are too unequal for a pair of lungs.")
    if min(right, left) > 0 and not _side_by_side(*lungs):
        refuse("The lungs do not lie side by side as on an upright frontal film; turn the film upright.")
    if agreement < bounds.least_agreement:
        refuse("The model is not sure where the lungs are: not a frontal chest film, or a very unusual one.")


def _side_by_side(right: Mask, left: Mask) -> bool:
    (right_row, right_column), (left_row, left_column) = _centre(right), _centre(left)
    return left_column - right_column >= abs(left_row - right_row)


def _centre(mask: Mask) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return float(rows.mean()), float(columns.mean())
