"""Which elements a scan collects, by what they are for."""

from __future__ import annotations

from radviewer.dicom import attributes as a
from radviewer.dicom.padding import PADDING_TAGS
from radviewer.dicom.traits import PRIVATE_B_VALUES

STUDY = (
    a.STUDY_INSTANCE_UID,
    a.STUDY_DATE,
    a.STUDY_TIME,
    a.STUDY_DESCRIPTION,
    a.PATIENT_NAME,
    a.PATIENT_ID,
    a.PATIENT_BIRTH_DATE,
    a.PATIENT_SEX,
    a.PATIENT_AGE,
    a.ACCESSION_NUMBER,
    a.INSTITUTION_NAME,
)
"""Attributes of the patient and the study, in the order of `StudyInfo` as it is made."""

SERIES = (
    a.SERIES_INSTANCE_UID,
    a.MODALITY,
    a.SERIES_NUMBER,
    a.SERIES_DESCRIPTION,
    a.BODY_PART_EXAMINED,
    a.IMAGE_LATERALITY,
    a.LATERALITY,
    a.VIEW_POSITION,
)
"""Attributes of the series."""

TRAITS = (
    a.IMAGE_TYPE,
    a.SERIES_DESCRIPTION,
    a.ACQUISITION_DATE,
    a.ACQUISITION_TIME,
    a.ACQUISITION_DATE_TIME,
    a.CONTENT_TIME,
    a.COMPLEX_IMAGE_COMPONENT,
    a.CONTRAST_BOLUS_AGENT,
    a.KVP,
    a.ECHO_TIME,
    a.EFFECTIVE_ECHO_TIME,
    a.ECHO_NUMBERS,
    a.INVERSION_TIME,
    a.FLIP_ANGLE,
    a.TRIGGER_TIME,
    a.CONVOLUTION_KERNEL,
    a.VIEW_POSITION,
    a.IMAGE_LATERALITY,
    a.LATERALITY,
    a.DIFFUSION_B_VALUE,
    a.DIFFUSION_GRADIENT_ORIENTATION,
    *(tag for vendor in PRIVATE_B_VALUES for tag in vendor[:2]),
    a.ACQUISITION_NUMBER,
    a.TEMPORAL_POSITION_IDENTIFIER,
    a.TEMPORAL_POSITION_INDEX,
    a.CARDIAC_TRIGGER_DELAY,
    a.STACK_ID,
    a.FRAME_TYPE,
)
"""What may tell stacks of one series apart."""

TABLES = frozenset(
    {
        a.MODALITY_LUT_SEQUENCE,
        a.VOI_LUT_SEQUENCE,
        a.RED_PALETTE_DESCRIPTOR,
        *a.OVERLAY_ROWS,
    }
)
"""Elements without which the frame's own values are not enough to show it."""

WANTED = frozenset(
    {
        *STUDY,
        *SERIES,
        *TRAITS,
        *TABLES,
        *PADDING_TAGS,
        *(value for name, value in vars(a).items() if name.isupper() and isinstance(value, int)),
    }
)
