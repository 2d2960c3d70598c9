"""The calls that make, build and remove storage pools."""

from __future__ import annotations

from typing import ClassVar

from core.verbs.call import Call


class PoolDefineCall(Call, frozen=True):
    """virStoragePoolDefineXML, with VIR_STORAGE_POOL_DEFINE_VALIDATE where libvirt has that."""

    xml: str

    @property
    def text(self) -> str:
        """The XML."""
        return self.xml

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh pool-define`, which takes the XML from a file."""
        return ("pool-define", "FILE", "--validate")


class PoolRedefineCall(PoolDefineCall, frozen=True):
    """virStoragePoolDefineXML, of one that is there: once more does no harm."""

    repeatable: ClassVar[bool] = True
    base: str = ""
    """The definition that it was made from: another one is not written over. Empty: any."""


class PoolUndefineCall(Call, frozen=True):
    """virStoragePoolUndefine; one that is gone is as good as undefined."""

    command: ClassVar[str] = "pool-undefine"
    repeatable: ClassVar[bool] = True


class PoolBuildCall(Call, frozen=True):
    """virStoragePoolBuild: what a pool lies on is made, as a folder, file system, volume group."""

    long: ClassVar[bool] = True
    flags: str = ""
    """`no-overwrite` or `overwrite`; empty: the type knows neither."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh pool-build`."""
        return ("pool-build", name, *((f"--{self.flags}",) if self.flags else ()))


class PoolClearCall(Call, frozen=True):
    """virStorageVolDelete of these volumes, which nobody uses; none is deleted where there are
    others."""

    long: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    names: tuple[str, ...] = ()
    keep: bool = False
    """They go with the pool: it is only looked whether nobody uses them."""


class PoolDeleteCall(Call, frozen=True):
    """virStoragePoolDelete: what a pool that is off lies on goes."""

    command: ClassVar[str] = "pool-delete"
    long: ClassVar[bool] = True
