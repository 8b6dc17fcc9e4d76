"""Docked panels beside the images."""
