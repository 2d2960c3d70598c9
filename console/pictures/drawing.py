"""The picture in the terminal: read, shrunk, and drawn by textual-image.

Loaded where a picture is shown: Pillow takes a tenth of a second.
"""

from __future__ import annotations

import fcntl
import io
import os
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from PIL import Image, UnidentifiedImageError
from textual.widget import Widget

from console.pictures.protocol import Protocol
from core.errors import HypervisorError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_FORMATS = ("PNG", "PPM")
"""What QEMU makes. It is untrusted: no other reader of Pillow's has to look at it."""
_USUAL_CELL = (10, 20)
"""Width and height of a cell where the terminal does not tell, in pixels."""


def read_picture(data: bytes) -> Picture:
    """Read what libvirt brought (PNG, PPM). Any thread; raises HypervisorError."""
    try:
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
        picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        raise HypervisorError(
            "What libvirt brought is no picture that can be read.", f"It said: {error}."
        ) from None
    return picture.convert("RGB")


def shrunk(picture: Picture, size: tuple[int, int]) -> Picture:
    """Return it no larger than `size` in pixels. Any thread."""
    if picture.width <= size[0] and picture.height <= size[1]:
        return picture
    return picture.resize(
        (min(picture.width, size[0]), min(picture.height, size[1])), Image.Resampling.BOX
    )


def cell_size() -> tuple[int, int]:
    """Return width and height of a cell of this terminal in pixels; the usual ones untold."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is None or not stream.isatty():
            continue
        try:
            answer = fcntl.ioctl(stream.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        except OSError:
            continue
        rows, columns, width, height = struct.unpack("HHHH", answer)
        if rows and columns and width >= columns and height >= rows:
            return width // columns, height // rows
    return _USUAL_CELL


def picture_widget(protocol: Protocol) -> Widget:
    """Return an empty widget that shows its `image`. UI thread."""
    with _asks_nothing():
        from textual_image import widget

    widgets: dict[Protocol, type[Widget]] = {
        "kitty": widget.TGPImage,
        "sixel": widget.SixelImage,
        "blocks": widget.HalfcellImage,
    }
    return widgets[protocol]()


@contextmanager
def _asks_nothing() -> Iterator[None]:
    """Keep textual-image from asking the terminal while it is imported.

    It asks which protocols there are and how large a cell is, and reads the answers from the
    keyboard, which Textual reads by now: they would be taken for keys.
    """
    width, height = cell_size()
    told = {"TEXTUAL_CELL_WIDTH": str(width), "TEXTUAL_CELL_HEIGHT": str(height)}
    with patch.dict(os.environ, told), patch.object(sys, "__stdout__", io.StringIO()):
        yield
