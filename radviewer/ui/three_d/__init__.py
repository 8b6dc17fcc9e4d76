"""The 3D view: a volume and surfaces of masks, rendered off the screen and painted as a picture."""
