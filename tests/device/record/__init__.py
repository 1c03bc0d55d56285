"""Tests of `device/record`."""
