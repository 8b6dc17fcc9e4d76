"""radviewer: a radiologist's viewer with an AI second opinion."""

__version__ = "0.1.0"
