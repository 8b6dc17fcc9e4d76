"""Model cards: the machine-readable half of a model's folder, ``models/<name>/card.json``.

Validated strictly: an unknown or missing entry makes the model unavailable, with the reason.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from radviewer.errors import RadviewerError

Task = Literal["chest anatomy", "chest findings", "brain glioma", "breast lesion"]
Descriptor = Literal[
    "depth_to_width",
    "solidity",
    "circularity",
    "radial_variation",
    "echogenicity",
    "heterogeneity",
    "boundary_contrast",
    "sharpness",
    "posterior_echoes",
]
Share = Annotated[float, Field(ge=0, le=1)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

CARD = "card.json"
LARGEST_CARD = 1_000_000  # bytes


class BadModel(RadviewerError):
    """A model's folder cannot be used; the message is the reason."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class WeightsFile(_Entry):
    """One safetensors file.

    ``fold`` is the fold of `folds.csv` this ensemble member has not seen; None for files that are no member.
    """

    file: FileName
    sha256: Sha256
    fold: int | None = None


class Source(_Entry):
    """A data set the model was trained or measured on."""

    name: str
    n: int = Field(ge=1)
    licence: str
    citation: str


class Metric(_Entry):
    """A measured figure with its 95 % interval; no figure without n."""

    name: str
    value: float
    low: float
    high: float
    n: int = Field(ge=1)
    group: str
    command: str


class Intended(_Entry):
    """What a model, or one of its findings, is intended for; empty or None: no bound.

    `views` are ViewPosition terms, `body_parts` parts of BodyPartExamined.
    """

    views: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    youngest: float | None = None
    oldest: float | None = None


class Calibration(_Entry):
    """Probability = sigmoid(slope × logit + intercept).

    The logit is the members' mean, and what descriptors add; of a series the highest mean of two neighbouring slices
    (`radviewer.ai.glioma.volume_logit`).
    """

    slope: float = Field(gt=0)
    intercept: float


class OperatingPoint(_Entry):
    """What a threshold does on held-out films: cross-fitted, of the films the finding was validated on."""

    threshold: Share
    sensitivity: Share
    specificity: Share


class DescriptorTerm(_Entry):
    """One descriptor of an outline: what is usual, and what a standard deviation from it adds to the logit."""

    name: Descriptor
    mean: float
    spread: float = Field(gt=0)
    weight: float


class DescriptorCard(_Entry):
    """What descriptors of the outline (`radviewer.ai.descriptors`) add to the networks' mean logit."""

    intercept: float
    terms: tuple[DescriptorTerm, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _named_once(self) -> DescriptorCard:
        if len({term.name for term in self.terms}) < len(self.terms):
            raise ValueError("a descriptor is named twice")
        return self


class FindingCard(_Entry):
    """One finding: its operating point and its scale; `operating_curve` says what other thresholds would do.

    `slice_calibration` is that of single slices, where the model judges each; `descriptors` are of models that judge
    the shape of what they outline besides.
    """

    label: str
    threshold: Share
    operating_point: str
    calibration: Calibration
    heat_scale: float = Field(gt=0)
    slice_calibration: Calibration | None = None
    descriptors: DescriptorCard | None = None
    operating_curve: tuple[OperatingPoint, ...] = ()
    intended: Intended
    evidence: str


class Distance(_Entry):
    """Feature-space distance: the file with its reference, and the largest distance accepted."""

    weights: WeightsFile
    limit: float = Field(gt=0)


class Training(_Entry):
    """How to make the weights again."""

    command: str
    seed: int
    seconds: float = Field(ge=0)


class Card(_Entry):
    """A model's card."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    task: Task
    title: str
    modalities: tuple[str, ...] = Field(min_length=1)
    labels: tuple[str, ...] = Field(min_length=1)
    input_size: int = Field(ge=64, le=1024, multiple_of=32)
    heat_stride: int = Field(default=32, ge=1, le=64)  # pixels of the input in a cell of the heatmap
    weights: tuple[WeightsFile, ...] = Field(min_length=1)
    requires: str | None = None
    findings: tuple[FindingCard, ...] = ()
    intended: Intended
    distance: Distance | None = None
    intended_use: str
    not_intended: str
    failure_modes: tuple[str, ...]
    sources: tuple[Source, ...] = Field(min_length=1)
    metrics: tuple[Metric, ...]
    training: Training
    licence: str

    @model_validator(mode="after")
    def _labels_agree(self) -> Card:
        if self.findings and tuple(f.label for f in self.findings) != self.labels:
            raise ValueError("labels and findings name different things")
        if (self.task == "chest anatomy") == bool(self.findings):
            raise ValueError("a model of findings describes each of them, an anatomy model none")
        if self.task != "breast lesion" and any(finding.descriptors for finding in self.findings):
            raise ValueError("descriptors of outlines are for breast lesions alone")
        return self


def read_card(folder: Path) -> Card:
    """Read and validate ``folder/card.json``.

    Raises
    ------
    BadModel
        If it is missing, too large, not JSON or not a card.

    """
    path = folder / CARD
    try:
        if path.stat().st_size > LARGEST_CARD:
            raise BadModel(f"{path.name} of the model {folder.name} is too large to be a model card.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadModel(f"The model {folder.name} has no readable {CARD} ({type(problem).__name__}).") from problem
    try:
        card = Card.model_validate_json(text)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadModel(f"{CARD} of the model {folder.name} is not valid: {where}: {first['msg']}.") from problem
    if card.name != folder.name:
        raise BadModel(f"{CARD} in the folder {folder.name} describes another model, {card.name}.")
    return card


def unseen(card: Card, only_fold: int | None) -> Card:
    """Narrow a card to the member that has not seen `only_fold`; None: the whole ensemble.

    Raises
    ------
    BadModel
        If every member has seen it.

    """
    if only_fold is None:
        return card
    weights = tuple(item for item in card.weights if item.fold == only_fold)
    if not weights:
        raise BadModel(f"No member of the model {card.name} left out fold {only_fold}.")
    return card.model_copy(update={"weights": weights})
