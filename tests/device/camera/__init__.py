"""Tests of `device/camera`."""
