"""The calls that make an instance: asked about first, defined, and taken back."""

from __future__ import annotations

from typing import ClassVar

from core.model.secret_value import Secret
from core.model.seed import Seed
from core.verbs.call import Call
from core.verbs.create.plan import InstancePlan
from core.verbs.volume import VolumeCall


class ProveCall(Call, frozen=True):
    """virConnectDomainXMLToNative, and a definition that libvirt reads and cannot take.

    libvirt judges the XML by its schema and by what the host has, and nothing is made.
    """

    probe: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    plan: InstancePlan
    """All that is made later: a console that takes over goes by it, whatever has changed since."""
    passwords: tuple[Secret, ...] = ()
    """Those of the XML, which has none."""

    @property
    def text(self) -> str:
        """The XML."""
        return self.plan.xml


class SeedCall(VolumeCall, frozen=True):
    """virStorageVolUpload: a cloud-init seed, made here, is written over a volume."""

    long: ClassVar[bool] = True
    seed: Seed
    password_hash: Secret | None = None


class DefineCall(Call, frozen=True):
    """virDomainDefineXMLFlags, with VIR_DOMAIN_DEFINE_VALIDATE, of what is not there yet."""

    xml: str
    passwords: tuple[Secret, ...] = ()


class TakeBackCall(Call, frozen=True):
    """virDomainUndefineFlags of what was defined just now, with its NVRAM; not while it runs."""

    command: ClassVar[str] = "undefine"
    repeatable: ClassVar[bool] = True
    maker: str = ""
    """The operation that it was defined by, as its mark says; empty: its UUID tells."""
