"""Tests of `device/delivery`."""
