"""An encrypted volume: who opens it, and what of that makes no sense. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.model.connected_volume import HostEncryption
from core.verbs.device.requests import VolumeAttach
from core.verbs.refusal import Refusal, RefusalCode


def encryption_by_host(request: VolumeAttach) -> HostEncryption | None:
    """Return how the host is to open it before QEMU has it; None: it is not to."""
    if request.passphrase is None or request.encryption == "luks":
        return None
    return HostEncryption(request.encryption, request.cipher, request.key_size)


def against_encryption(request: VolumeAttach) -> Iterator[Refusal]:
    """Tell why its host cannot open it so."""
    ours = encryption_by_host(request)
    if request.encryption != "luks" and request.passphrase is None:
        text = f"What is encrypted as {request.encryption} is opened with a passphrase"
        yield Refusal(RefusalCode.PARAMETER, text, "give it: --passphrase-file", "encryption")
    if (request.cipher or request.key_size) and request.encryption != "plain":
        text = "LUKS has its cipher and the size of its key in its header"
        field = "cipher" if request.cipher else "key_size"
        yield Refusal(RefusalCode.PARAMETER, text, "leave them out", field)
    if ours is not None and request.connection_info is None:
        text = f"{ours.provider} is opened by the host of a volume that it connects"
        cure = "open it there (cryptsetup), and attach what is below /dev/mapper"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "encryption")
