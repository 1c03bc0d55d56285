"""The commands of ``titik-central``: a file for each, with ``add``, a value of what is asked, and ``run``.

``table.py`` is what ``status`` prints; a file that begins with ``_`` is what some of them share.
"""
