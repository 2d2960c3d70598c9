"""What is asked for where a storage pool is made, built or removed."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from core.errors import XmlError
from core.model import Request
from core.verbs.parameter import PATH_BYTES, parameter

_LINE = r"[^\x00-\x1f\x7f-\x9f]*"
PoolType = Literal[
    "dir", "fs", "netfs", "logical", "disk", "iscsi", "iscsi-direct", "scsi", "mpath", "rbd",
    "gluster", "zfs", "vstorage",
]  # fmt: skip


class CreatePool(Request, frozen=True):
    """Make a pool on a host (virStoragePoolDefineXML)."""

    verb: ClassVar[str] = "pool-create"
    name: Annotated[
        str,
        parameter("The name of the new pool.", pattern=r"[^/\x00-\x1f\x7f-\x9f]+",
                  shape="one without / and control characters", longest=255, argument=True),
    ]  # fmt: skip
    type: Annotated[
        PoolType,
        parameter(
            "Its type: a directory, a file system on a device (fs) or of a server (netfs), an "
            "LVM volume group (logical), a disk's partitions, what an iSCSI target, a SCSI "
            "adapter, multipath, Ceph (rbd), Gluster, ZFS or Virtuozzo storage has."
        ),
    ] = "dir"
    path: Annotated[
        str,
        parameter("Where it lies on the host: /srv/images. Of dir, fs, netfs, vstorage; the others "
                  "have a usual place.", pattern=f"(|/{_LINE})", shape="a path from / on",
                  longest=PATH_BYTES),
    ] = ""  # fmt: skip
    source: Annotated[
        str,
        parameter("Its source: the exported directory (netfs), volume group (logical), target "
                  "(iscsi), adapter (scsi), image pool (rbd), VOLUME or VOLUME/DIRECTORY "
                  "(gluster), ZFS pool, cluster (vstorage).", pattern=_LINE, shape="one line",
                  longest=PATH_BYTES),
    ] = ""  # fmt: skip
    device: tuple[
        Annotated[
            str,
            parameter("The device it lies on: /dev/sdb. Of fs and disk; of logical and zfs those "
                      "they are built on.", pattern=f"/{_LINE}", shape="a path from / on"),
        ],
        ...,
    ] = ()  # fmt: skip
    server: tuple[
        Annotated[
            str,
            parameter("Its server: NAME, ADDRESS or either with :PORT. For netfs, iscsi, rbd, "
                      "gluster.", pattern=r"[^\s/,]+", shape="a name or an address"),
        ],
        ...,
    ] = ()  # fmt: skip
    format: Annotated[
        str,
        parameter("Of fs the file system, of netfs nfs, cifs or glusterfs, of disk the partition "
                  "table (gpt).", pattern="(|[a-z0-9+]{1,12})", shape="a word such as xfs"),
    ] = ""  # fmt: skip
    initiator: Annotated[
        str,
        parameter("Of iSCSI: the name of this side.", pattern=r"(|[A-Za-z0-9.:_-]{1,223})",
                  shape="a name such as iqn.2026-01.org.example:host", advanced=True),
    ] = ""  # fmt: skip
    user: Annotated[
        str,
        parameter("Of iSCSI and rbd: who logs in.", pattern=_LINE, shape="one line", longest=255,
                  advanced=True),
    ] = ""  # fmt: skip
    login: Annotated[
        str,
        parameter("The UUID of libvirt's secret with the password (`virsh secret-list`).",
                  pattern="(|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})", shape="a UUID",
                  label="secret's UUID", advanced=True),
    ] = ""  # fmt: skip
    build: Annotated[
        bool,
        parameter(
            "Make what it lies on first: the folder, file system, partition table, volume "
            "group. Nothing that is there is written over."
        ),
    ] = False
    start: Annotated[bool, parameter("Start it.")] = True
    autostart: Annotated[bool, parameter("Have it started with its host.")] = True

    @property
    def makes(self) -> str:
        """Its name."""
        return self.name


class CreatePoolFromXml(Request, frozen=True):
    """Make a pool from its XML, which libvirt checks by its schema."""

    verb: ClassVar[str] = "pool-create-from-xml"
    xml: Annotated[
        str,
        parameter("Its XML, as `virsh pool-dumpxml` prints it.", label="XML", text=True,
                  argument=True),
    ]  # fmt: skip
    start: Annotated[bool, parameter("Start it.")] = True
    autostart: Annotated[bool, parameter("Have it started with its host.")] = True

    @property
    def makes(self) -> str:
        """The name that the XML has."""
        from core.xml.storage import read_pool

        try:
            return read_pool(self.xml).name or "a new pool"
        except XmlError:
            return "a new pool"


class BuildPool(Request, frozen=True):
    """Make what a pool lies on: folder, file system, partition table (virStoragePoolBuild)."""

    verb: ClassVar[str] = "pool-build"
    overwrite: Annotated[
        bool, parameter("Also where there is something on its device: that is lost.")
    ] = False


class DeletePool(Request, frozen=True):
    """Delete a pool with all that is in it, and undefine it (virStoragePoolDelete)."""

    verb: ClassVar[str] = "pool-delete"


class UndefinePool(Request, frozen=True):
    """Forget a pool that is off; what is in it stays (virStoragePoolUndefine)."""

    verb: ClassVar[str] = "pool-undefine"
