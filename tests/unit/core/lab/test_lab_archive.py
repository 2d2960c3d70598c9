"""The initramfs writer, read back by an independent reader of the format."""

from __future__ import annotations

import stat

from hypothesis import given
from hypothesis import strategies as st

from core.lab.archive import ArchiveEntry, character_device, directory, pack, regular, symlink

NAMES = st.text("abcdefgh-_.", min_size=1, max_size=9).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def unpack(data: bytes) -> list[tuple[str, int, bytes, int, int]]:
    """(path, mode, content, major, minor) of each member, straight from cpio(5)."""
    members, at = [], 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        body = (at + 110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            return members
        members.append((name, mode, data[body : body + size], fields[9], fields[10]))
        at = (body + size + 3) // 4 * 4


@given(st.dictionaries(PATHS, st.binary(max_size=40)))
def test_every_file_comes_back_after_its_directories(files: dict[str, bytes]) -> None:
    # A path that is also a parent of another cannot be a file.
    files = {p: c for p, c in files.items() if not any(o.startswith(f"{p}/") for o in files)}
    members = unpack(pack({path: regular(content) for path, content in files.items()}))
    assert {name: body for name, mode, body, *_ in members if stat.S_ISREG(mode)} == files
    seen: set[str] = set()
    for name, *_ in members:
        parent = name.rpartition("/")[0]
        assert parent in seen or not parent
        seen.add(name)


@given(st.dictionaries(PATHS, st.binary(max_size=9)), st.randoms())
def test_the_same_members_give_the_same_bytes_in_any_order(
    files: dict[str, bytes], random: object
) -> None:
    items = [(path, regular(content)) for path, content in files.items()]
    first = pack(dict(items))
    random.shuffle(items)  # type: ignore[attr-defined]
    assert pack(dict(items)) == first


def test_links_devices_and_permissions() -> None:
    wanted: dict[str, ArchiveEntry] = {
        "bin/sh": symlink("busybox"),
        "dev/console": character_device(5, 1),
        "etc/shadow": regular(b"root::", 0o600),
        "tmp": directory(0o777),
    }
    found = {name: rest for name, *rest in unpack(pack(wanted))}
    assert found["bin/sh"] == [stat.S_IFLNK | 0o777, b"busybox", 0, 0]
    assert found["dev/console"] == [stat.S_IFCHR | 0o600, b"", 5, 1]
    assert found["etc/shadow"] == [stat.S_IFREG | 0o600, b"root::", 0, 0]
    assert found["tmp"] == [stat.S_IFDIR | 0o777, b"", 0, 0]
    assert found["etc"] == [stat.S_IFDIR | 0o755, b"", 0, 0]
