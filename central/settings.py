"""What the centre is told, and where it finds its database and its password."""

from collections.abc import Mapping
from pathlib import Path

from device.config import BrokerSettings, ConfigError, File, Section
from device.system.disk import read_whole
from device.system.systemd import MAX_CREDENTIAL

STATE_FOLDER = Path("/var/lib/titik-central")
"""Where the shipped unit keeps its state; used where ``$STATE_DIRECTORY`` does not say."""


class StoreSettings(Section):
    """Where the rows are kept."""

    path: File | None = None
    """Left out: ``central.db`` in systemd's ``$STATE_DIRECTORY``."""


class BundleSettings(Section):
    """What the points are given to believe."""

    bundle: File | None = None
    """The trust bundle as the desk signed it; posted for all points whenever the file changes."""


class InventorySettings(Section):
    """Which points there should be."""

    file: File | None = None
    """The list of the points; ``status`` names those of it that were never heard."""


class Settings(Section):
    """Everything that ``titik-central`` is told."""

    broker: BrokerSettings = BrokerSettings()
    store: StoreSettings = StoreSettings()
    trust: BundleSettings = BundleSettings()
    inventory: InventorySettings = InventorySettings()

    def database(self, env: Mapping[str, str]) -> Path:
        """Return the path of the database."""
        folder = env.get("STATE_DIRECTORY", "").split(":")[0]
        return self.store.path or Path(folder or STATE_FOLDER) / "central.db"


def password(env: Mapping[str, str]) -> str | None:
    """Return the MQTT password that systemd handed over, or ``$TITIK_MQTT_PASSWORD``, or ``None``.

    Raises `ConfigError` where systemd's file is there and cannot be read.
    """
    if folder := env.get("CREDENTIALS_DIRECTORY"):
        file = Path(folder) / "mqtt-password"
        try:
            if text := read_whole(file, MAX_CREDENTIAL).decode("utf-8").strip():
                return text
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ConfigError([f"{file}: cannot be read: {error.strerror}"]) from None
        except UnicodeDecodeError:
            raise ConfigError([f"{file}: this is not UTF-8 text"]) from None
    return env.get("TITIK_MQTT_PASSWORD") or None
