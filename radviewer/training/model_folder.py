"""What every release writes into a model's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from radviewer.ai.cards import CARD, Card
from radviewer.ai.catalogue import sha256
from radviewer.evaluation.metrics import Figure
from radviewer.evaluation.tables import write_text
from radviewer.export.own_files import write_whole


def half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights in half precision, as they are bundled."""
    return {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in state.items()}


def metric(name: str, figure: Figure, group: str, command: str) -> dict[str, Any]:
    """Turn a figure into an entry of the card's metrics."""
    value, low, high = (round(v, 4) for v in (figure.value, figure.low, figure.high))
    return {"name": name, "value": value, "low": low, "high": high, "n": figure.n, "group": group, "command": command}


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> str:
    """Write weights completely or not at all; return their SHA-256."""
    write_whole(path, safetensors.torch.save(tensors))
    return sha256(path)


def write_card(target: Path, card: dict[str, Any]) -> Card:
    """Validate a card and write it to the folder `target`."""
    checked = Card.model_validate_json(json.dumps(card))
    write_text(target / CARD, checked.model_dump_json(indent=1) + "\n")
    return checked
