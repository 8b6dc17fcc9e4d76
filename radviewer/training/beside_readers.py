"""The breast model beside the readers who examined the women: their BI-RADS categories, alone and with the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from radviewer.evaluation.metrics import Bools, Floats, auc, bootstrap, sensitivity, sensitivity_at, specificity
from radviewer.training.breast_tables import Image
from radviewer.training.model_folder import metric

SUSPICIOUS = 4
"""The BI-RADS category from which on a biopsy is advised (ACR BI-RADS Atlas, 5th edition)."""
READERS = "malignancy, by the readers' BI-RADS category"
TOGETHER = "malignancy, by category and model together"
_STRENGTH = 10.0  # inverse of the ridge penalty
_ROUNDS = 200

Chosen = NDArray[np.intp]


def beside_readers(images: Sequence[Image], logits: Floats, at: float, command: str) -> list[dict[str, Any]]:
    """Figures of the readers alone, of the model at the readers' operating point, and of both together.

    Parameters
    ----------
    images : sequence of Image
        Each with a category from 2 to 5.
    logits : ndarray, (images,)
        The model's, held-out.
    at : float
        Specificity at which the sensitivity of both together is taken.
    command : str
        That measures this.

    """
    categories, malignant = np.array([float(i.birads) for i in images]), np.array([i.malignant == 1 for i in images])
    suspicious = categories >= SUSPICIOUS
    both = together(categories, logits, malignant, [i.fold for i in images])
    measures: dict[tuple[str, str], Callable[[Chosen], float]] = {
        (READERS, "AUC"): lambda i: auc(malignant[i], categories[i]),
        (READERS, f"sensitivity of category {SUSPICIOUS} and above"): lambda i: sensitivity(
            malignant[i], suspicious[i]
        ),
        (READERS, f"specificity of category {SUSPICIOUS} and above"): lambda i: specificity(
            malignant[i], suspicious[i]
        ),
        ("malignancy, by the model at the readers' specificity", "sensitivity"): lambda i: sensitivity_at(
            malignant[i], logits[i], specificity(malignant[i], suspicious[i])
        ),
        (TOGETHER, "AUC"): lambda i: auc(malignant[i], both[i]),
        (TOGETHER, f"sensitivity at specificity {at}"): lambda i: sensitivity_at(malignant[i], both[i], at),
    }
    patients = [i.patient for i in images]
    return [
        metric(name, bootstrap(measure, patients, rounds=_ROUNDS), group, command)
        for (group, name), measure in measures.items()
    ]


def together(categories: Floats, logits: Floats, malignant: Bools, folds: Sequence[int]) -> Floats:
    """Log odds from category and model, each image's by a logistic regression fitted on the other folds."""
    values = np.column_stack([logits, *(categories == c for c in sorted(set(categories.tolist()))[1:])])
    held_out, found = np.array(folds), np.zeros(len(logits))
    for fold in sorted(set(folds)):
        judge = LogisticRegression(C=_STRENGTH).fit(values[held_out != fold], malignant[held_out != fold])
        found[held_out == fold] = judge.decision_function(values[held_out == fold])
    return found
