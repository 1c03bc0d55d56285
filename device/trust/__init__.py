"""Whom to believe: the trust bundle, its roster, and the fleet's secret."""
