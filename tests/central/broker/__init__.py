"""Tests of `central/broker`."""
