"""Tests of `device/control`."""
