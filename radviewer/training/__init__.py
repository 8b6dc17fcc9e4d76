"""Makes what lies in models/: data sets, recipes (``python -m radviewer.training``).

Needs the extra ``[train]``; nothing in the program imports it.
"""
