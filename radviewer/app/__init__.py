"""The program's mutable state and its signals (QtCore only)."""
