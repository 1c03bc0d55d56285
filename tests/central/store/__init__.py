"""Tests of `central/store`."""
