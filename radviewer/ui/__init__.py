"""Widgets: read state, ask app, decide nothing."""
