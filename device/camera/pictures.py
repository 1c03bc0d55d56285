"""Pictures that somebody brings: six formats, told by their content, and bounded before they are unpacked.

Pillow reads 43 formats, some of them with programs of the machine's own (EPS with Ghostscript), and a picture of a
phone is read on the desk's computer, where the root's key lies. So the formats are named here, each with the one
class that reads it; Pillow is never asked to find out what a file is.
"""

import re
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from io import BytesIO
from itertools import count
from math import ceil
from os import fstat
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.WebPImagePlugin import WebPImageFile

from device.camera.brightness import Luma, grey, laid_on_white_and_black, scaled
from device.system.disk import NotPlainError, open_plain, write_whole
from device.system.errors import TitikError

ENDINGS = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"}
)
"""How the names of such files end: what is taken of a folder. What a file is, its content says."""
MAX_PIXELS = 50_000_000
"""A picture beyond this is refused before it is unpacked; a page of A4 at 600 dpi has 35 million."""
MAX_BYTES = 160_000_000
"""What one picture may take unpacked, so that the smallest Pi (512 MB) reads it beside all else that it does: four
bytes a pixel of colour, one of grey."""
MAX_JPEG = 256_000_000
"""Pixels of a JPEG that is decoded in a smaller size, row by row; phones make 200 million."""
MAX_SLOW = 4_000_000
"""Pixels of the forms that Pillow decodes in Python, half a second for a million: numbers as text, 12 bits, RLE."""
MAX_FILE = 268_435_456
"""Bytes of a file."""
MAX_AT_ONCE = 67_108_864
"""Bytes of a file that is read at once, as WebP is."""
MAX_READS = 1_000_000
"""Reads of one file: between parts of a picture, rubbish is passed over byte by byte."""
MAX_FRAMES = 50
"""Frames of an animation that are looked at."""
READ = "PNG, JPEG, WebP, BMP, GIF and PPM"
SMALLER = "make it smaller, or cut the code out of it"


class PictureError(TitikError, OSError):
    """A file that cannot be read as a picture, in one sentence with what to do next."""


class PartlyReadError(PictureError):
    """What of a picture was not looked at, said after all that was."""


class _Format(NamedTuple):
    """One of the six: how a file of it begins, and the only class that reads it."""

    name: str
    begins: re.Pattern[bytes]
    read_by: Callable[[Any], ImageFile]


_FORMATS = (
    _Format("PNG", re.compile(rb"\x89PNG\r\n\x1a\n"), PngImageFile),
    # Not by `Image.open`, which gives a JPEG with a second picture in it, as phones make, to a plugin of its own (MPO).
    _Format("JPEG", re.compile(rb"\xff\xd8\xff"), JpegImageFile),
    _Format("WebP", re.compile(rb"RIFF....WEBP", re.DOTALL), WebPImageFile),
    _Format("BMP", re.compile(rb"BM"), BmpImageFile),
    _Format("GIF", re.compile(rb"GIF8[79]a"), GifImageFile),
    _Format("PPM", re.compile(rb"P[1-6f][\s#]"), PpmImageFile),
)
_OTHERS = (
    ("TIFF", rb"II[*+]\0|MM\0[*+]"),
    ("AVIF", rb"....ftypavi[fs]"),
    ("HEIC", rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)"),
    ("EPS", rb"%!PS|\xc5\xd0\xd3\xc6"),
    ("PDF", rb"%PDF"),
    ("SVG", rb"\s*<(\?xml|svg)"),
    ("JPEG XL", rb"\xff\x0a|\0\0\0\x0cJXL "),
    ("JPEG 2000", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    ("PSD", rb"8BPS"),
    ("ICO", rb"\0\0[\1\2]\0"),
)
"""What else people have, for the sentence."""
_HEAD = 32
"""Bytes by which a format is told."""
_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}
"""What a pixel takes in Pillow's memory; in any other mode, four bytes."""
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # what Pillow itself holds a frame against, where it unpacks one before we see it

_AGAIN = 3
"""Whole pictures in colour that an animation keeps beside one another: its canvas, the frame, the one before."""


def lumas_of(path: Path) -> Generator[Luma, None, None]:
    """Yield the brightness of every frame of the picture in *path*, height x width; frames that are the same, once.

    What lets its background through is laid on white and on black, the one with more contrast first. Raises
    `PictureError`; after all that could be looked at, `PartlyReadError` for what was left out.
    """
    seen: set[bytes] = set()
    with _octets(path) as octets:
        picture = _Picture(path, octets)
        for frame in count(1):
            planes = picture.planes()
            more, wrong = picture.turn(frame)
            if not more:
                picture.close()  # its memory is for the readers now
            for plane in planes:
                if (digest := blake2b(plane.data, digest_size=16).digest()) not in seen:
                    seen.add(digest)
                    yield plane
            if wrong is not None:
                raise wrong
            if not more:
                return


def luma_of(path: Path) -> Luma:
    """Return the brightness of the picture in *path*, of an animation its first frame's; raises `PictureError`."""
    lumas = lumas_of(path)
    try:
        return next(lumas)
    finally:
        lumas.close()


class _Picture:
    """A picture that is opened by its format's class and found small enough; raises `PictureError` throughout."""

    def __init__(self, path: Path, octets: "_Octets") -> None:
        head = octets.read(_HEAD)
        octets.seek(0)
        found = next((one for one in _FORMATS if one.begins.match(head)), None)
        if found is None:
            raise PictureError(_other(path, head))
        self._path = path
        self._name = found.name
        self._octets = octets
        self._reduced = 1
        with self._telling():
            self._image = found.read_by(octets)
            self._animated = bool(getattr(self._image, "is_animated", False))
            if isinstance(self._image, JpegImageFile):
                self._reduced = self._drafted(self._image)
            self._bounded()

    def planes(self) -> list[Luma]:
        """Return the brightness of this frame: once, or twice where its background shows through."""
        with self._telling():
            self._image.load()
            if self._image.mode.startswith(("I", "F")):
                return [scaled(self._image)]
            if self._image.mode in ("RGBA", "LA", "PA") or "transparency" in self._image.info:
                return laid_on_white_and_black(self._image)
            return [grey(self._image)]

    def turn(self, frame: int) -> tuple[bool, PictureError | None]:
        """Turn to the frame *frame*, counted from 0; return whether it is there, and what is wrong if it is not."""
        if not self._animated:
            return False, self._left_out()
        try:
            with self._telling():
                if not self._sought(frame):
                    return False, None
                self._bounded()  # a frame of a GIF may be larger than the picture said
                self._image.load()
        except PictureError as error:
            return False, error
        if frame == MAX_FRAMES:
            return False, PartlyReadError(
                f"{self._path}: only the first {MAX_FRAMES} frames were looked at."
                " Next: cut the animation, or save the frame with the code as a picture"
            )
        return True, None

    def close(self) -> None:
        """Give its memory back."""
        self._image.close()
        del self._image

    def _sought(self, frame: int) -> bool:
        """Seek *frame*; return whether there is one. Raises EOFError where the file said so, and it is not there."""
        try:
            self._image.seek(frame)
        except EOFError:
            if not isinstance(self._image, GifImageFile) and frame < getattr(self._image, "n_frames", 1):
                raise  # a GIF does not say how many it holds
            return False
        return True

    def _drafted(self, image: JpegImageFile) -> int:
        """Let a JPEG be decoded without its colour, and smaller if it is large; return how many times smaller."""
        width, height = image.size
        most = MAX_JPEG if _in_one_pass(image, self._octets) else min(MAX_PIXELS, MAX_BYTES // 6)
        if width * height > most:
            raise self._too_large(most)
        factor = next(n for n in (1, 2, 4, 8) if width * height <= n * n * MAX_PIXELS)
        image.draft("L", (max(1, width // factor), max(1, height // factor)))
        return factor

    def _bounded(self) -> None:
        image = self._image
        each = 4 * _AGAIN if self._animated or self._name == "WebP" else _BYTES.get(image.mode, 4)
        most = min(MAX_PIXELS, MAX_BYTES // each)
        if any(tile[0] in ("ppm", "ppm_plain", "bmp_rle") for tile in image.tile):
            most = MAX_SLOW
        if image.width * image.height > most:
            raise self._too_large(most)

    def _too_large(self, most: int) -> PictureError:
        pixels = self._image.width * self._image.height
        return PictureError(
            f"{self._path}: too large: {ceil(pixels / 1_000_000)} megapixels, at most {most // 1_000_000}"
            f" of this form. Next: {SMALLER}"
        )

    def _left_out(self) -> PictureError | None:
        if self._reduced == 1:
            return None
        return PartlyReadError(
            f"{self._path}: looked at {self._reduced} times smaller, for it is larger than"
            f" {MAX_PIXELS // 1_000_000} megapixels; a small code may be missed. Next: {SMALLER}"
        )

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say in a sentence what Pillow raises; what it warns of is in sound pictures as well, and is not shown."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                yield
        except PictureError:
            raise
        except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise PictureError(f"{self._path}: too large to be unpacked here. Next: {SMALLER}") from None
        except OSError as error:
            if error.errno is not None:
                raise PictureError(f"{self._path}: {error.strerror}. Next: copy it again") from None
            raise self._damaged() from None
        except Exception:  # noqa: BLE001 - a decoder raises whatever the octets of a stranger lead it to
            raise self._damaged() from None

    def _damaged(self) -> PictureError:
        return PictureError(
            f"{self._path}: this {self._name} is damaged, or not all of it is there."
            " Next: copy it again, or take a new picture"
        )


class _Octets:
    """A picture's file, that is read so often and no more."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._reads = 0

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or the rest of them; raises OSError without a number where it is too much."""
        self._reads += 1
        if self._reads > MAX_READS:
            raise OSError("too much rubbish between its parts")
        if size >= 0:
            return self._file.read(size)
        octets = self._file.read(MAX_AT_ONCE + 1)
        if len(octets) > MAX_AT_ONCE:
            raise MemoryError
        return octets

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to *place*."""
        return self._file.seek(place, whence)

    def tell(self) -> int:
        """Return where it is."""
        return self._file.tell()

    def close(self) -> None:
        """Nothing: whoever opened the file closes it."""


@contextmanager
def _octets(path: Path) -> Iterator[_Octets]:
    """Bind the file at *path*; raises `PictureError`."""
    try:
        file = open_plain(path)
    except NotPlainError as error:
        raise PictureError(f"{path}: {error.strerror}. Next: the name of a picture") from None
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror}. Next: ls -l {path.parent}") from None
    with file:
        size = fstat(file.fileno()).st_size
        if size > MAX_FILE:
            raise PictureError(
                f"{path}: too large: {ceil(size / 1_000_000)} MB, at most {MAX_FILE // 1_000_000}. Next: {SMALLER}"
            )
        yield _Octets(file)


def _other(path: Path, head: bytes) -> str:
    """Return what is said of a file that is none of the six."""
    if not head:
        return f"{path}: the file is empty. Next: copy it again"
    name = next((name for name, begins in _OTHERS if re.match(begins, head, re.DOTALL)), None)
    if name is None:
        return f"{path}: not a picture that is read here: by its content it is none of {READ}. Next: convert it to PNG"
    return f"{path}: this is {name}, which is not read here; {READ} are. Next: convert it to PNG"


def _in_one_pass(image: JpegImageFile, octets: _Octets) -> bool:
    """Return whether a JPEG's one scan holds all there is, so that it is decoded row by row.

    Otherwise (progressive, or colour by colour) libjpeg keeps all coefficients, six bytes a pixel. The scan's header
    (ITU-T T.81, B.2.3) is what was read last; it names each component, and spectral selection from 0 to 63.
    """
    length = 6 + 2 * image.layers
    octets.seek(octets.tell() - length - 2)
    header = octets.read(length + 2)
    named = b"\xff\xda" + length.to_bytes(2, "big") + bytes([image.layers])
    return header.startswith(named) and header.endswith(b"\0\x3f\0")


def save(luma: Luma, path: Path) -> None:
    """Write *luma* as a PNG, whole, for its owner alone; raises OSError."""
    octets = BytesIO()
    Image.fromarray(luma).save(octets, format="PNG")
    write_whole(path, octets.getvalue())


def luma_of_jpeg(octets: bytes, size: tuple[int, int]) -> Luma:
    """Return the brightness of a JPEG of exactly *size* (width, height), colour never decoded; raises `PictureError`.

    The size is compared before anything is unpacked.
    """
    try:
        with JpegImageFile(BytesIO(octets)) as picture:
            if picture.size != size:
                raise PictureError(f"a JPEG of {picture.width} x {picture.height} in place of {size[0]} x {size[1]}")
            picture.draft("L", None)
            return np.asarray(picture.convert("L"), dtype=np.uint8)
    except (UnidentifiedImageError, ValueError, SyntaxError):
        raise PictureError("not a JPEG that can be read") from None
    except OSError as error:  # a PictureError among them, and Pillow's own word for a truncated file
        raise PictureError(str(error)) from None


def listed(paths: Iterable[Path]) -> list[Path]:
    """Return the files of *paths*, folders in order of name; raises `PictureError` where there are none."""
    named = tuple(paths)
    found: list[Path] = []
    for path in named:
        if path.is_dir():
            found += sorted(file for file in path.iterdir() if file.suffix.lower() in ENDINGS)
        else:
            found.append(path)
    if not found:
        raise PictureError(
            f"no pictures in {', '.join(str(path) for path in named)}. Next: put some there, {READ}, named so"
        )
    return found


def left_out(paths: Iterable[Path]) -> list[Path]:
    """Return what the folders among *paths* hold beside the pictures that are taken, but hidden files."""
    return sorted(
        file
        for path in paths
        if path.is_dir()
        for file in path.iterdir()
        if file.suffix.lower() not in ENDINGS and not file.name.startswith(".")
    )


def told_of(files: Iterable[Path]) -> str | None:
    """Return which *files* are left out, in a sentence; ``None`` where there are none."""
    names = [str(file) for file in files]
    if not names:
        return None
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""  # noqa: PLR2004 - as many as one reads
    return f"left out, for they are not named as {READ}: {', '.join(names[:5])}{more}"
