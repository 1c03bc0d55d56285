"""The root of every named error of the three programs."""


class TitikError(Exception):
    """What may go wrong in normal life: its text is a sentence for whoever runs the program, with the next command."""
