"""The study browser: what is open, series by series."""
