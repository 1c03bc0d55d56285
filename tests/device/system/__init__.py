"""Tests of `device/system`."""
