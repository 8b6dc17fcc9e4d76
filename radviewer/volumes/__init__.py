"""Arithmetic on whole volumes: planes through them, registration, surfaces.  VTK filters and SimpleITK, no Qt."""
