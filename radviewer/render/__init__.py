"""The one painter of slices and marks, with QtGui only: used by the window, by export and headless."""
