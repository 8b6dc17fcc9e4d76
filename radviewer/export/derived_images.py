"""Pictures and heatmaps as DICOM images beside the images they were made of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from radviewer import __version__
from radviewer.domain.opinion import Heat
from radviewer.domain.planes import Slab
from radviewer.domain.reformat import Cut
from radviewer.domain.study import Stack
from radviewer.export.dicom_names import HEATMAPS, MANUFACTURER, PICTURES, concept, uid
from radviewer.export.seg import Author
from radviewer.export.seg_source import Sources, add

if TYPE_CHECKING:
    from highdicom.pm import ParametricMap
    from highdicom.sc import SCImage
    from pydicom.dataset import Dataset


def secondary_capture(
    picture: NDArray[np.uint8],
    what: str,
    stack: Stack,
    index: int,
    number: int,
    *,
    named: bool,
    sources: Sources | None = None,
    cut: Cut | None = None,
) -> SCImage:
    """Secondary Capture (PS3.3 A.8.1) of a picture of one image, or of a plane cut through all of them.

    Parameters
    ----------
    picture : ndarray, uint8, (rows, columns, 3)
        RGB.
    what : str
        How it was derived, in words.
    stack : Stack
        With SOP Instance UIDs.
    index : int
        Of the slice that the picture shows; of a plane it counts for nothing.
    number : int
        InstanceNumber, from 1.
    named : bool
        Whether the picture holds the patient's name.
    sources : Sources, optional
        Of the stack, where it was read already.
    cut : Cut, optional
        Of the plane that the picture shows: it is derived from every image of the stack, and is none of them.

    Raises
    ------
    UnreadableImage
        If a header of the stack cannot be read any more.

    """
    from highdicom.sc import SCImage

    sources = sources or Sources(stack)
    source = sources.images[0 if cut is not None else index]
    content = hashlib.sha256(picture.tobytes()).hexdigest()
    made = SCImage(
        np.ascontiguousarray(picture),
        "RGB",
        8,
        "PATIENT",
        source.StudyInstanceUID,
        uid("series", str(PICTURES), sources.series_uid),
        PICTURES,
        uid("picture", str(source.SOPInstanceUID), what, content),
        number,
        MANUFACTURER,
        patient_orientation=("L", "F"),  # highdicom wants one; letters are no anatomy: emptied below
        specific_character_set="ISO_IR 192",
    )
    _derive(made, [source] if cut is None else sources.images, what)
    made.ConversionType = "WSD"
    made.BurnedInAnnotation = "YES" if named else "NO"
    made.SeriesDescription = "Annotated pictures, research use only"
    if cut is not None:
        _say_reformatted(made, cut)
    elif stack.frames[index].file.number_of_frames > 1:
        made.SourceImageSequence[0].ReferencedFrameNumber = stack.frames[index].index + 1
    sources.restore(made)
    add(made, "PatientOrientation", "")
    add(made, "Laterality", "")  # PS3.3 C.7.3.1, type 2C: unknown
    return made


def heatmap(
    heat: Heat, label: str, author: Author, stack: Stack, number: int = 1, sources: Sources | None = None
) -> ParametricMap:
    """Parametric Map (PS3.3 A.75) of a heatmap of a volume.

    A film has no plane, which the object needs: its heatmap leaves the program in a picture.

    Parameters
    ----------
    heat : ndarray, float32, (slices, rows, columns)
        0–1, on the stack's own grid; not empty.  Slices without any heat are left out.
    label : str
        Of the finding.
    author : Author
        The model.
    stack : Stack
        Whose images have a place in the patient.
    number : int
        InstanceNumber, from 1.
    sources : Sources, optional
        Of the stack, where it was read already.

    Raises
    ------
    UnreadableImage

    """
    from highdicom import VOILUTTransformation
    from highdicom.pm import ParametricMap, RealWorldValueMapping
    from highdicom.sr import CodedConcept

    sources = sources or Sources(stack)
    warm = np.flatnonzero(heat.any(axis=(1, 2)))  # the others say nothing, and are most of the file
    shown = np.ascontiguousarray(heat[warm], np.float32)
    names = [*(str(image.SOPInstanceUID) for image in sources.images), author.model, author.version, label]
    unit = CodedConcept("1", "UCUM", "no units")
    mapping = RealWorldValueMapping(
        "HEATMAP", "Class activation 0 to 1", unit, (0.0, 1.0), 1.0, 0.0, quantity_definition=concept("heatmap")
    )
    made = ParametricMap(
        [sources.images[i] for i in warm],
        shown,
        uid("series", str(HEATMAPS), sources.series_uid, author.model, author.version),
        HEATMAPS,
        uid("heatmap", *names, hashlib.sha256(shown.tobytes()).hexdigest(), *map(str, warm)),
        number,
        MANUFACTURER,
        author.model,
        __version__,
        author.version,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[VOILUTTransformation(0.5, 1.0)],
        content_label="HEATMAP",
        content_description=f"{label}, {author.model}: explanation, not segmentation"[:64],
        series_description="AI heatmaps, explanation, not segmentation"[:64],
        specific_character_set="ISO_IR 192",
    )
    sources.restore(made)
    add(made, "Laterality", "")
    return made


def _say_reformatted(made: Dataset, cut: Cut) -> None:
    """Say in codes that the picture is of a plane (PS3.16 CID 7203)."""
    from highdicom.sr import CodedConcept
    from pydicom.sequence import Sequence as Items
    from pydicom.sr.codedict import codes

    across = {
        Slab.MIP: codes.DCM.MaximumIntensityProjection,
        Slab.MINIP: codes.DCM.MinimumIntensityProjection,
        Slab.MEAN: codes.DCM.PixelByPixelMean,
    }
    said = [codes.DCM.MultiplanarReformatting, *([across[cut.slab]] if cut.thickness else [])]
    made.ImageType = ["DERIVED", "SECONDARY", "REFORMATTED"]
    made.DerivationCodeSequence = Items([CodedConcept.from_code(code) for code in said])


def _derive(made: Dataset, sources: Sequence[Dataset], what: str) -> None:
    """Say what the picture was made of, and how (PS3.3 C.7.6.1.1.3)."""
    from highdicom.sr import CodedConcept
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence as Items
    from pydicom.sr.codedict import codes

    made.ImageType = ["DERIVED", "SECONDARY"]
    made.DerivationDescription = what[:1024]
    images = []
    for source in {str(source.SOPInstanceUID): source for source in sources}.values():
        image = Dataset()
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
        image.PurposeOfReferenceCodeSequence = Items(
            [CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)]
        )
        images.append(image)
    made.SourceImageSequence = Items(images)
