"""Tests of `device/mqtt`."""
