"""Opinions → files: JSON, NIfTI, DICOM Segmentation, pictures; one module per format."""
