"""Tests of `device/verdict`."""
