"""Tests of `central/ingest`."""
