"""Tests of `device/formats`."""
