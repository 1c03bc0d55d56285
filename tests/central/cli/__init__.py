"""Tests of `central/cli`."""
