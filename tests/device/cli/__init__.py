"""Tests of `device/cli`."""
