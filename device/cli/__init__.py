"""The commands of ``titik``: a file for each, with ``add``, a value of what is asked, and ``run``.

A file that begins with ``_`` is what some of them share; so are ``options.py`` and ``say.py``.
"""
