"""Policies before they are signed: where they lie, what is wrong with them, what they mean for example persons."""
