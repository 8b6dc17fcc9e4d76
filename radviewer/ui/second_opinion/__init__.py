"""The second opinion in the window: status, list of findings, details, decisions."""
