"""Tests of `device/reading`."""
