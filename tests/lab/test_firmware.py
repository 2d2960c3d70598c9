"""UEFI variables and the state of a TPM on real QEMU: they stay with their instance, whatever is
done to it. Each verb that could lose them is carried out here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import OperationFailedError
from core.fleet import Fleet
from core.lab import LabHost
from core.model import ObjectKey, OperationRecord, OperationStatus, Request
from core.verbs.cloning import Clone
from core.verbs.definition import Rename
from core.verbs.power.requests import HardReboot, Start, Stop
from core.verbs.undefining import Undefine
from core.verbs.undoing import undoing
from tests.lab.making import SMALL, make, remove
from tests.lab.one_host import until
from tests.lab.seeing import key_of

MARK = b"a boot entry of the guest"


@pytest.fixture
def named(alpha: LabHost) -> Iterator[Callable[[str], str]]:
    """Returns a name; what is made under it is gone after the test."""
    names: list[str] = []

    def name(wanted: str) -> str:
        names.append(wanted)
        return wanted

    yield name
    for wanted in names:
        remove(alpha, wanted, more=("--nvram", "--tpm"))


def variables(alpha: LabHost, name: str) -> Path:
    return alpha.directory / "libvirt/qemu/nvram" / f"{name}_VARS.fd"


def tpm_state(alpha: LabHost, key: ObjectKey) -> Path:
    return alpha.directory / "libvirt/qemu/swtpm" / key.id / "tpm2/tpm2-00.permall"


async def done(fleet: Fleet, request: Request) -> OperationRecord:
    record = await (await fleet.submit(request))
    assert isinstance(record, OperationRecord)
    assert record.status is OperationStatus.DONE, record
    return record


async def marked(fleet: Fleet, alpha: LabHost, name: str) -> ObjectKey:
    """An instance with UEFI and a TPM that has run, with a mark in its variables; it is off."""
    # a card, for whose command line a user's own daemon has no rights
    options = {**SMALL, "size": 1, "firmware": "uefi", "tpm": True, "network": "user"}
    made = await make(fleet, "create", name=name, **options)
    await done(fleet, Stop(made.subject))
    with variables(alpha, name).open("r+b") as file:
        file.seek(-len(MARK), 2)
        file.write(MARK)
    await until(lambda: fleet.state.instances[made.subject].described)
    return made.subject


def has_mark(file: Path) -> bool:
    return file.read_bytes().endswith(MARK)


async def test_they_go_along_when_it_is_renamed_and_back_again(
    fleet: Fleet, alpha: LabHost, named: Callable[[str], str]
) -> None:
    key = await marked(fleet, alpha, named("uefi"))
    record = await done(fleet, Rename(key, to=named("other")))
    assert record.outcome == "uefi is called other now"
    assert not variables(alpha, "uefi").exists()
    assert has_mark(variables(alpha, "other"))
    before = tpm_state(alpha, key).read_bytes()
    await done(fleet, Start(key))
    assert str(variables(alpha, "other")) in await asyncio.to_thread(
        alpha.virsh, "dumpxml", "other"
    )
    await done(fleet, HardReboot(key))
    await done(fleet, Stop(key))
    assert has_mark(variables(alpha, "other"))
    assert tpm_state(alpha, key).read_bytes()[:16] == before[:16]

    undo = undoing(record)
    assert undo == Rename(key, to="uefi")
    await done(fleet, undo)
    assert has_mark(variables(alpha, "uefi"))
    assert not variables(alpha, "other").exists()


async def test_a_clone_has_a_copy_of_its_own(
    fleet: Fleet, alpha: LabHost, named: Callable[[str], str]
) -> None:
    key = await marked(fleet, alpha, named("first"))
    await done(fleet, Clone(key, to=named("second")))
    assert has_mark(variables(alpha, "first"))
    assert has_mark(variables(alpha, "second"))
    clone = await key_of(fleet, "second")
    assert tpm_state(alpha, key).exists()
    assert not tpm_state(alpha, clone).exists(), "a TPM's secrets are nobody else's"
    await done(fleet, Start(clone))
    text = await asyncio.to_thread(alpha.virsh, "dumpxml", "second")
    assert str(variables(alpha, "second")) in text
    await done(fleet, Stop(clone))


async def test_those_of_somebody_else_are_not_overwritten(
    fleet: Fleet, alpha: LabHost, named: Callable[[str], str]
) -> None:
    key = await marked(fleet, alpha, named("mine"))
    variables(alpha, "theirs").write_bytes(b"of an instance that was undefined, and they were kept")
    try:
        for request in (Rename(key, to="theirs"), Clone(key, to="theirs")):
            with pytest.raises(OperationFailedError, match="UEFI variables of an instance called"):
                await (await fleet.submit(request))
            assert variables(alpha, "theirs").read_bytes().startswith(b"of an instance")
            assert has_mark(variables(alpha, "mine"))
            assert "theirs" not in await asyncio.to_thread(alpha.instances)
    finally:
        variables(alpha, "theirs").unlink()


async def test_they_are_kept_or_removed_with_the_definition_as_is_asked(
    fleet: Fleet, alpha: LabHost, named: Callable[[str], str]
) -> None:
    key = await marked(fleet, alpha, named("kept"))
    definition = await asyncio.to_thread(alpha.virsh, "dumpxml", "--inactive", "kept")
    await done(fleet, Undefine(key, nvram="keep", tpm="keep"))
    assert has_mark(variables(alpha, "kept"))
    assert tpm_state(alpha, key).exists()
    file = alpha.directory / "again.xml"
    file.write_text(definition)
    await asyncio.to_thread(alpha.virsh, "define", str(file))
    file.unlink()
    await until(lambda: key in fleet.state.instances and fleet.state.instances[key].described)
    await done(fleet, Start(key))
    await done(fleet, Stop(key))
    assert has_mark(variables(alpha, "kept"))
    await until(lambda: any(one.name == "kept.qcow2" for one in fleet.state.volumes.values()))
    await until(
        lambda: all(
            one.described
            for one in (*fleet.state.volumes.values(), *fleet.state.instances.values())
        )
    )
    await done(fleet, Undefine(key, disks=("vda",)))
    assert not variables(alpha, "kept").exists()
    assert not tpm_state(alpha, key).exists()
