"""Tests of `device/trust`."""
