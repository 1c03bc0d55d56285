"""TOML in, one frozen value out; every mistake names file, key, value, what is allowed and the nearest word.

A key that nobody knows only warns, so that a setting of a newer version never keeps a station dark.
"""

from device.config._loading import fingerprint, load, pins_alone
from device.config._section import RESERVED, ConfigError, File, PointName, Section
from device.config._station import (
    MAX_PIXELS,
    BrokerSettings,
    CameraSettings,
    ClockSettings,
    DeliverySettings,
    Pins,
    PointSettings,
    PolicySettings,
    PrivacySettings,
    SightingSettings,
    StationSettings,
    TrustSettings,
)

__all__ = [
    "MAX_PIXELS",
    "RESERVED",
    "BrokerSettings",
    "CameraSettings",
    "ClockSettings",
    "ConfigError",
    "DeliverySettings",
    "File",
    "Pins",
    "PointName",
    "PointSettings",
    "PolicySettings",
    "PrivacySettings",
    "Section",
    "SightingSettings",
    "StationSettings",
    "TrustSettings",
    "fingerprint",
    "load",
    "pins_alone",
]
