"""Benchmarks: ratios taken in one run, for these machines are noisy."""
