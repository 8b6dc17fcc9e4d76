"""Dialogs, none of which interrupts reading."""
