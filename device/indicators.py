"""Lamps and buzzer: the thread that plays patterns on the pins, and knows nothing of what they mean."""

from contextlib import ExitStack
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic
from types import TracebackType
from typing import Any, Self

from gpiozero import LED, Buzzer, TonalBuzzer
from gpiozero.pins.mock import MockFactory, MockPWMPin

from device.config import Pins
from device.patterns import AMBER, GREEN, READY, RED, Pattern, Step
from device.system.errors import TitikError
from device.system.worker import Worker


class PinsMissingError(TitikError):
    """No usable GPIO on this machine; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class _Once:
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class _Always:
    pattern: Pattern


class Indicators(Worker):
    """Plays a state for ever and a verdict once, the newest first; leaving drives every pin dark.

    Waiting out a step is listening for the next pattern, so no light ever holds up another.
    """

    def __init__(self, pins: Pins, factory: Any = None) -> None:
        super().__init__("indicators")
        self._pins = pins
        self._factory = factory
        self._wanted: SimpleQueue[_Once | _Always | None] = SimpleQueue()
        self._lamps: dict[str, Any] = {}
        self._buzzer: Any = None
        self._light: Any = None
        self._stack = ExitStack()
        self._state: Pattern = READY

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            factory = self._factory
            if factory is None:
                factory = _factory(self._pins)
                stack.callback(factory.close)
            for name in (RED, GREEN, AMBER):
                if (pin := getattr(self._pins, name)) is not None:
                    self._lamps[name] = stack.enter_context(LED(pin, pin_factory=factory))
            if self._pins.buzzer is not None:
                sound = self._pins.sound
                self._buzzer = stack.enter_context(
                    Buzzer(self._pins.buzzer, pin_factory=factory)
                    if sound == "active"
                    else TonalBuzzer(self._pins.buzzer, octaves=3, pin_factory=factory)
                )
            if self._pins.light is not None:
                self._light = stack.enter_context(LED(self._pins.light, pin_factory=factory))
            self._stack = stack.pop_all()
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._stack.close()

    def show(self, pattern: Pattern) -> None:
        """Play *pattern* once, now, instead of whatever is playing."""
        self._wanted.put(_Once(pattern))

    def rest(self, pattern: Pattern) -> None:
        """Play *pattern* for ever, from when no verdict is being shown."""
        self._wanted.put(_Always(pattern))

    @property
    def has_light(self) -> bool:
        """Whether there is a white lamp, so that somebody should decide about it."""
        return self._pins.light is not None

    def illuminate(self, lit: bool) -> None:
        """Switch the white lamp, at once and from any thread; without one nothing happens."""
        if self._light is not None and self._light.is_lit != lit:
            self._light.value = lit

    def wake(self) -> None:
        """Cut the wait of the current step short."""
        self._wanted.put(None)

    def work(self) -> None:
        """Play until told to stop."""
        playing: Pattern = self._state
        while not self.stopping.is_set():
            playing = self._play(playing)
        self._set(Step(frozenset(), None, 0))

    def _play(self, playing: Pattern) -> Pattern:
        """Play a pattern to its end or until something newer is wanted; return what comes next."""
        resting = playing is self._state
        for step in playing:
            self._set(step)
            verdict = self._listen(step.seconds, resting)
            if verdict is not None:
                return verdict
            if self.stopping.is_set() or (resting and playing is not self._state):
                break
        return self._state

    def _listen(self, seconds: float, resting: bool) -> Pattern | None:
        """Wait out a step; return a verdict at once, note a new state, and at rest stop waiting for it."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0 and not self.stopping.is_set():
            try:
                wanted = self._wanted.get(timeout=left)
            except Empty:
                break
            if isinstance(wanted, _Once):
                return wanted.pattern
            if wanted is not None:
                self._state = wanted.pattern
                if resting:
                    break
        return None

    def _set(self, step: Step) -> None:
        for name, lamp in self._lamps.items():
            lamp.value = name in step.lit
        if isinstance(self._buzzer, TonalBuzzer):
            self._buzzer.play(None if step.tone is None else float(step.tone))
        elif self._buzzer is not None:
            self._buzzer.value = step.tone is not None


def _factory(pins: Pins) -> Any:
    """Return the pins of this machine, or pins that exist only in memory."""
    if pins.factory == "mock":
        return MockFactory(pin_class=MockPWMPin)
    try:
        from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 - exists only where python3-lgpio is installed

        return LGPIOFactory()
    except Exception as error:
        raise PinsMissingError(
            f"the GPIO pins cannot be used ({error}). On a Raspberry Pi: sudo apt install python3-lgpio;"
            ' elsewhere set factory = "mock" in [pins].'
        ) from error
