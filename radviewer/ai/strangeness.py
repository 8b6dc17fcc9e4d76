"""How far an image lies from those a model was trained on, in the features its networks pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.cards import Card

if TYPE_CHECKING:
    from radviewer.ai.catalogue import Catalogue

_PARTS = ("mean", "axes", "scales", "rest")


def strangeness(catalogue: Catalogue, card: Card, features: NDArray[np.float32]) -> float:
    """Mean over the members of the distance of the features from those of training images; 0 without a reference.

    `features` ``(members, channels)`` are those of the members in the card's order.
    """
    if card.distance is None:
        return 0.0
    tensors = {name: t.cpu().numpy() for name, t in catalogue.weights(card, card.distance.weights).items()}
    folds = [weights.fold for weights in card.weights]
    return float(
        np.mean(
            [
                distance(pooled, {part: tensors[f"fold{fold}.{part}"] for part in _PARTS})
                for pooled, fold in zip(features, folds, strict=True)
            ]
        )
    )


def distance(features: NDArray[np.float32], reference: dict[str, NDArray[np.float32]]) -> float:
    """Root mean square of the whitened features, and of what lies outside their subspace; larger is stranger.

    Parameters
    ----------
    features : ndarray, (channels,)
        Pooled by the network.
    reference : dict
        ``mean`` (channels,), ``axes`` (k, channels) orthonormal, ``scales`` (k,), ``rest`` (1,).

    """
    offset = features - reference["mean"]
    inside = reference["axes"] @ offset
    outside = offset - reference["axes"].T @ inside
    whitened = float(np.mean((inside / reference["scales"]) ** 2))
    left_over = float(outside @ outside) / float(reference["rest"][0]) ** 2
    return float(np.sqrt((whitened + left_over) / 2))
