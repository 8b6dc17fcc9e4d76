"""Labelled images and a model → metrics with intervals, and pictures."""
