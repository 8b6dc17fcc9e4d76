"""Files in: scan, decode, load.  Hostile input is bounded here."""
