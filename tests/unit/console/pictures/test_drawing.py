from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from console.pictures.drawing import read_picture, shrunk
from core.errors import HypervisorError

BIOS = Path(__file__).parents[3] / "data" / "pictures" / "no-bootable-device.png"


def encoded(format_: str, size: tuple[int, int] = (8, 4)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (1, 2, 3)).save(out, format_)
    return out.getvalue()


def test_what_qemu_makes_is_read() -> None:
    assert read_picture(BIOS.read_bytes()).size == (720, 400)
    assert read_picture(encoded("PPM")).getpixel((7, 3)) == (1, 2, 3)


@pytest.mark.parametrize(
    "data",
    [b"", b"not a picture", BIOS.read_bytes()[:900], encoded("GIF"), encoded("TIFF"),
     b"P6 100000 100000 255\n"],
)  # fmt: skip
def test_anything_else_is_no_picture(data: bytes) -> None:
    with pytest.raises(HypervisorError, match="no picture that can be read"):
        read_picture(data)


def test_a_large_one_is_shrunk_and_a_small_one_is_not() -> None:
    picture = read_picture(encoded("PNG", (640, 480)))
    assert shrunk(picture, (80, 40)).size == (80, 40)
    assert shrunk(picture, (640, 480)) is picture
    assert shrunk(picture, (800, 240)).size == (640, 240)


LOAD = """
import sys
from console.pictures.drawing import picture_widget
for each in ("kitty", "sixel", "blocks"):
    print(type(picture_widget(each)).__name__, file=sys.stderr)
from textual_image.widget import get_cell_size
print(*get_cell_size(), file=sys.stderr)
"""


def test_the_terminal_is_asked_nothing() -> None:
    """textual-image asks on import, and would read what the operator types for the answer."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-c", LOAD]
    done = subprocess.run(
        words, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=300
    )
    os.close(theirs)
    assert done.stderr.split() == ["TGPImage", "Image", "HalfcellImage", "10", "20"]
    with pytest.raises(OSError, match="Input/output error"):  # nothing was written to it
        os.read(ours, 1)
    os.close(ours)
