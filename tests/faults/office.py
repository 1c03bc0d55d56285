"""The centre in virtual time: the product's own loop and database, killed and started again."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from central import centre as central_centre
from central.broker.bundle_publisher import BundlePublisher
from central.centre import Centre
from device.config import BrokerSettings
from device.system.systemd import Notifier
from device.system.watchdog import Watchdog
from tests.faults.program import Program
from tests.faults.referee import held
from tests.faults.scene import Scene
from tests.faults.stage import Actor, Halt


class Office(Program):
    """The centre; *spoilt* may make a fresh one worse than it is."""

    def __init__(self, scene: Scene, folder: Path, spoilt: Callable[[Centre], None] | None = None) -> None:
        super().__init__(scene, "centre", folder)
        self._spoilt = spoilt

    @property
    def database(self) -> Path:
        """Where its database is."""
        return self.folder / "titik.db"

    def begin(self) -> None:
        self._stop = Halt(self.scene.stage)
        self.actor = Actor(self.scene.stage, self.name, self._serve, dying=self.dying, gone=self.gone)

    def _serve(self) -> None:
        stop, watchdog = self._stop, Watchdog([], Notifier(None, None))
        with stop, ExitStack() as stack:
            store = central_centre._open(self.database, stop, stack, watchdog)
            assert store is not None
            centre = Centre(store, BrokerSettings(), None, stop, watchdog, posting=BundlePublisher(None))
            if self._spoilt is not None:
                self._spoilt(centre)
            centre.serve()

    def showings(self) -> set[int]:
        """Return the showings in its database."""
        return {row.showing for row in held(self.database)} if self.database.exists() else set()
