"""Arithmetic on whole volumes: planes through them, registration, surfaces.  Numpy, VTK filters and SimpleITK, no Qt."""
