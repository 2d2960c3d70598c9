"""The calls that write images: by libvirt on its host, or by qemu-img on this machine.

Run on a lane thread; raise libvirtError, HypervisorError.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from lxml import etree

from core.errors import HypervisorError
from core.hypervisor.calls.file_pool import pool_of_file
from core.hypervisor.calls.found_format import refuse_other_format
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.transfer_files import give_name
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import gone
from core.model import ObjectKey
from core.model.paths import half_of
from core.model.text import clean
from core.verbs.block.image_calls import CompressCall, CompressCheckCall, FileCloneCall

PLAIN = {**os.environ, "LC_ALL": "C"}


def clone(conn: Connection, _: ObjectKey, call: FileCloneCall) -> None:
    """Write a disk that nobody uses anew (virStorageVolCreateXMLFrom); returns when it is whole."""
    volume = etree.Element("volume")
    etree.SubElement(volume, "name").text = call.to.rpartition("/")[2]
    with pool_of_file(conn, call.to) as target:
        target.refresh(0)
        with suppress(libvirt.libvirtError):
            target.storageVolLookupByName(call.to.rpartition("/")[2])
            raise HypervisorError(f"{call.to} is there already.", "Choose another name.")
        source = _source(conn, call.source)
        refuse_other_format(source, call.source_format)
        etree.SubElement(volume, "capacity").text = str(source.info()[1])
        etree.SubElement(volume, "allocation").text = "0"
        target_ = etree.SubElement(volume, "target")
        etree.SubElement(target_, "format", type=call.format)
        target.createXMLFrom(etree.tostring(volume, encoding="unicode"), source, 0)


def _source(conn: Connection, path: str) -> Any:
    """Return the volume that a disk names, also one of no pool."""
    if not path.startswith("/"):
        pool, _, name = path.partition("/")
        return conn.storagePoolLookupByName(pool).storageVolLookupByName(name)
    try:
        return conn.storageVolLookupByPath(path)
    except libvirt.libvirtError as error:
        if not gone(error):
            raise
    with pool_of_file(conn, path) as pool:
        pool.refresh(0)
        return pool.storageVolLookupByName(path.rpartition("/")[2])


def check(_: Connection, __: ObjectKey, call: CompressCheckCall) -> None:
    """Raise HypervisorError where this machine cannot write a compressed image there."""
    folder = Path(call.to).parent
    if shutil.which("qemu-img") is None:
        raise HypervisorError(
            "This machine has no qemu-img.", "Install qemu-utils, or leave compressed out."
        )
    if os.path.lexists(call.to):
        raise HypervisorError(f"{call.to} is there already.", "Choose another name.")
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise HypervisorError(
            f"{folder} cannot be written to by this user.", "Choose another folder, or be root."
        )


def compress(_: Connection, __: ObjectKey, call: CompressCall) -> None:
    """Write a compressed image (qemu-img convert); it has its name once it is whole.

    What an earlier one of the same call left is thrown away, and what it made is kept.
    """
    half = Path(half_of(call.to, call.part))
    if os.path.lexists(call.to):
        if run_qemu_img("compare", "-f", call.source_format, "-F", "qcow2", call.source, call.to):
            raise HypervisorError(f"{call.to} is there already.", "Choose another name.")
        return
    half.unlink(missing_ok=True)
    words = ("-c", "-W", "-f", call.source_format, "-O", "qcow2", call.source, str(half))
    if told := run_qemu_img("convert", *words):
        half.unlink(missing_ok=True)
        raise HypervisorError(f"It could not be compressed: {told}.", "Look at that.")
    give_name(half, Path(call.to))


def run_qemu_img(*words: str) -> str:
    """Run qemu-img; return what it complains of, empty: nothing."""
    try:
        done = subprocess.run(
            ["qemu-img", *words], stdin=subprocess.DEVNULL, capture_output=True, env=PLAIN,
            text=True, errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        return f"qemu-img: {error.strerror}"
    told = (done.stderr or done.stdout).strip().splitlines()
    return "" if done.returncode == 0 else clean(told[-1] if told else "it failed").rstrip(".")


CALL_FUNCTIONS: CallFunctions = {
    FileCloneCall: clone,
    CompressCheckCall: check,
    CompressCall: compress,
}
