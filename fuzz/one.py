"""One target under atheris, in a process of its own: ``python -m fuzz.one TARGET [libFuzzer's arguments]``.

A module of its own, because what is to be watched must be imported under the watch.
"""

import sys

try:
    import atheris
except ImportError:
    sys.exit("fuzz: atheris is not here. Next: make fuzz, on x86-64 Linux with Python 3.11 to 3.13")

with atheris.instrument_imports(include=["device", "central", "tomllib"]):
    from fuzz.targets import TARGETS, taken

target = TARGETS[sys.argv[1]]
target.take(b"")  # what is made once is made before the first measurement
atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda octets: taken(target, octets))
atheris.Fuzz()
