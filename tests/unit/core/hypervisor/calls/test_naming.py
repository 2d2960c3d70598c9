"""What was written whole gets its name, on whatever file system, or is left."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest
from msgspec.structs import replace

from core.errors import HypervisorError
from core.hypervisor.calls import transfer_files
from core.hypervisor.calls.backup_pull import discard, read
from core.hypervisor.calls.image import compress
from core.hypervisor.calls.volume_downloads import download
from core.verbs.backup.pull_calls import PullDiscardCall, PullReadCall
from core.verbs.block.image_calls import CompressCall
from core.verbs.volume import VolumeDownloadCall
from tests.unit.core.hypervisor.calls.local_volume import KEY, LocalVolume

NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@pytest.fixture
def volume(tmp_path: Path) -> LocalVolume:
    (tmp_path / "v").write_bytes(b"v" * 5000)
    return LocalVolume(tmp_path / "v")


@pytest.fixture
def qemu_img(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A qemu-img whose every image is of four bytes."""
    tool = tmp_path / "tools" / "qemu-img"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\nfor last; do :; done\nprintf data > "$last"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")


def without_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refused(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refused)


@pytest.mark.parametrize("number", NO_LINKS)
def test_a_download_gets_its_name_where_the_file_system_has_no_links(
    volume: LocalVolume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    without_links(monkeypatch, number)
    to = tmp_path / "out.img"
    download(volume, KEY, VolumeDownloadCall("default", "v", str(to)))
    assert to.read_bytes() == volume.file.read_bytes()
    assert not list(tmp_path.glob("*.half"))


@pytest.mark.parametrize("links", [True, False])
def test_a_whole_file_whose_name_another_takes_is_kept_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    if not links:
        without_links(monkeypatch, errno.EOPNOTSUPP)
    half, name = tmp_path / "a.half", tmp_path / "a"
    half.write_bytes(b"whole")
    name.write_bytes(b"of another")
    with pytest.raises(HypervisorError, match=r"a is there already\. It is whole, in .*a\.half"):
        transfer_files.give_name(half, name)
    assert (half.read_bytes(), name.read_bytes()) == (b"whole", b"of another")


def test_a_download_that_cannot_be_named_is_kept(
    volume: LocalVolume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> NoReturn:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    without_links(monkeypatch, errno.EIO)
    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(HypervisorError, match=r"cannot be named so: .*It is whole, in"):
        download(volume, KEY, VolumeDownloadCall("default", "v", str(tmp_path / "out.img")))
    (half,) = tmp_path.glob("*.half")
    assert half.read_bytes() == volume.file.read_bytes()
    assert not (tmp_path / "out.img").exists()


def test_a_link_whose_first_answer_was_lost_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half, name, link = tmp_path / "a.half", tmp_path / "a", os.link
    half.write_bytes(b"whole")

    def twice(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", twice)
    transfer_files.give_name(half, name)
    assert name.read_bytes() == b"whole"
    assert not half.exists()


@pytest.mark.usefixtures("qemu_img")
def test_a_compressed_image_gets_its_name_where_the_file_system_has_no_links(
    volume: LocalVolume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.hypervisor.calls.image.PLAIN", dict(os.environ))
    without_links(monkeypatch, errno.EOPNOTSUPP)
    to = tmp_path / "image.qcow2"
    compress(volume, KEY, CompressCall(str(volume.file), "raw", str(to)))
    assert to.read_bytes() == b"data"
    assert not list(tmp_path.glob("*.half"))


def test_two_that_are_compressed_at_once_to_one_name_keep_apart(
    volume: LocalVolume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, other = tmp_path / "image.qcow2", CompressCall(str(volume.file), "raw", "", "b")

    def convert(*words: str) -> str:
        if words[0] == "compare":
            return "Images differ"
        half = Path(words[-1])
        half.write_bytes(b"first of a")
        if half.name.endswith(".a.half"):
            compress(volume, KEY, replace(other, to=str(to)))
            half.write_bytes(b"all of a")
        return ""

    monkeypatch.setattr("core.hypervisor.calls.image.run_qemu_img", convert)
    with pytest.raises(HypervisorError, match=r"is there already\. It is whole, in .*\.a\.half"):
        compress(volume, KEY, replace(other, to=str(to), part="a"))
    assert to.read_bytes() == b"first of a"
    assert (tmp_path / "image.qcow2.a.half").read_bytes() == b"all of a"


def test_what_another_named_is_not_removed_with_a_backup(
    volume: LocalVolume, tmp_path: Path
) -> None:
    whole, half, others, read_ = (tmp_path / one for one in ("w", "w.p.half", "o", "r"))
    for one in (half, others, read_):
        one.write_bytes(b"x")
    os.link(half, whole)
    call = PullDiscardCall((str(read_),), unheard=(str(whole), str(others)), part="p")
    with pytest.raises(HypervisorError, match="o may be what was read, or another's: left"):
        discard(volume, KEY, call)
    assert others.exists()
    assert not any(one.exists() for one in (whole, half, read_))


def test_a_half_that_got_its_name_meanwhile_is_not_written_to(tmp_path: Path) -> None:
    half = transfer_files.Half(tmp_path / "a.1.half", tmp_path / "a")
    with half.opened() as descriptor:
        os.write(descriptor, b"whole")
        half.path.rename(half.whole)
        assert not transfer_files._is_at(descriptor, half.path)
    assert half.whole.read_bytes() == b"whole"


def test_a_file_that_another_made_is_no_backup(volume: LocalVolume, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"of another")
    call = PullReadCall("vda", str(tmp_path / "b"), "unix:/nowhere")
    with pytest.raises(HypervisorError, match="b is there already"):
        read(volume, KEY, call)
    with pytest.raises(HypervisorError, match="could not be compared"):  # nobody serves it here
        read(volume, KEY, replace(call, again=True))
    assert (tmp_path / "b").read_bytes() == b"of another"
