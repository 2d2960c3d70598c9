"""Every verb of an instance in every state of a real one: carried out, or refused with a cure.

tests/driver/test_states.py walks the same table, pools and hosts too, on libvirt's test driver.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.errors import LabError, NotFoundError, VirtdeckError
from core.fleet import Fleet
from core.lab import Guest, Lab, LabHost, Wanted, wait_ready
from core.lab.furnish import ensure_guest
from core.model import Instance, InstanceState, OperationRecord, OperationStatus, Request
from core.verbs.registry import VERBS
from core.verbs.verb import Verb
from tests.driver.test_states import OPTIONS
from tests.lab.one_host import until
from tests.lab.scratch_disk import own
from tests.lab.seeing import caught_up

S = InstanceState
STATES = {
    "running": (S.RUNNING, Wanted.SHUT_OFF, (("start",),)),
    "paused": (S.PAUSED, Wanted.SHUT_OFF, (("start", "--paused"),)),
    "shutoff": (S.SHUTOFF, Wanted.SHUT_OFF, ()),
    "saved": (S.SHUTOFF, Wanted.SHUT_OFF, (("start", "--paused"), ("managedsave",))),
    "transient": (S.RUNNING, Wanted.TRANSIENT, ()),
    "crashed": (S.CRASHED, Wanted.SHUT_OFF, (("restore",), ("inject-nmi",))),
}
"""What is then seen of it, how it is made, and what is done to it."""
PANICS = "unknown_nmi_panic"
"""A word for the guest's kernel."""
TRIED = [verb for verb in VERBS.values() if verb.subject == "instance" and verb.decide is not None]
REAL: dict[str, dict[str, Any]] = {
    "rescue": {"image": "default/spare.raw"},
    "core-dump": {"to": "{host}/{name}.core"},
    "image": {"to": "default/{name}.image"},
    "block-copy": {"disk": "vda", "to": "default/{name}.copy", "then": "pivot"},
    "volume-swap": {"disk": "vda", "to": "default/{name}.moved"},
    "volume-extend": {"disk": "vda", "size": "1G"},
    "backup": {"to": "default"},
    "volume-attach": {"volume": "{pool}/{name}.extra", "format": "raw"},
    "volume-detach": {"disk": "vda", "attempts": 1, "patience": 1.0},
    "interface-detach": {"interface": "{mac}", "attempts": 1, "patience": 1.0},
    "device-detach": {"device": "rng:/dev/urandom", "attempts": 1, "patience": 1.0},
    "set-link": {"interface": "{mac}", "state": "down"},
    "set-network-limits": {"interface": "{mac}", "inbound": 100},
}
"""What is asked for here otherwise than on the test driver."""


class Tried:
    """An instance in one state, made anew after each verb that was carried out."""

    def __init__(self, state: str, lab: Lab, fleet: Fleet, directory: Path) -> None:
        self.name = f"s-{state}"
        self._seen, self._wanted, self._then = STATES[state]
        self._lab, self._fleet, self._directory = lab, fleet, directory
        self._alpha = lab.host("alpha")
        image = directory / f"{self.name}.qcow2"
        words = ["qemu-img", "create", "-q", "-f", "qcow2", str(image), "16M"]
        subprocess.run(words, check=True)
        self._empty = image.read_bytes()
        self._guest = Guest(
            *(self.name, "", "Made by a test."), wanted=self._wanted, switches=(PANICS,),
            disk=f"default/{self.name}.qcow2",
        )  # fmt: skip
        self._saved = self._alpha.directory / f"{self.name}.saved"
        self._xml = directory / f"{self.name}.xml"
        self._made: tuple[object, ...] = ()

    async def walk(self, verbs: Sequence[Verb]) -> list[str]:
        """Try verbs one after the other; return what was wrong."""
        wrong = []
        row = await self._afresh()
        await asyncio.to_thread(refresh, self._alpha)  # its files keep their names
        for verb in verbs:
            request = await self._request(verb, row)
            if reasons := self._fleet.check(request):
                bare = [str(one) for one in reasons if not (one.code and one.cure)]
                wrong += [f"{verb.name} of {self.name} is refused without a cure: {bare}"] * bool(
                    bare
                )
                continue
            if complaint := await self._complaint(request):
                wrong.append(f"{verb.name} of {self.name}: {complaint}")
            if await asyncio.to_thread(self._shown) != self._made:
                row = await self._afresh()
        await asyncio.to_thread(remove, self._alpha, self.name)
        self._saved.unlink(missing_ok=True)
        return wrong

    async def _afresh(self) -> Instance:
        await asyncio.to_thread(self._make)
        uuid = (await asyncio.to_thread(self._alpha.virsh, "domuuid", self.name)).strip()
        rows: list[Instance] = []

        def there() -> bool:
            rows[:] = [
                row
                for row in self._fleet.state.instances.values()
                if (row.host, row.name, row.state) == ("alpha", self.name, self._seen)
                and row.described
                and row.uuid == uuid
            ]
            return bool(rows)

        await until(there, 90)
        row = await caught_up(self._fleet, rows[0].key)  # it may have looked so on the way there
        assert row is not None
        self._made = await asyncio.to_thread(self._shown)
        return row

    def _shown(self) -> tuple[object, ...]:
        """What libvirt and its pool show of it: while that is the same, it stays as it is."""
        if self.name not in self._alpha.instances():
            return ()
        about = self._alpha.virsh("dominfo", self.name).splitlines()
        words = (("dumpxml",), ("dumpxml", "--inactive"), ("snapshot-list",), ("checkpoint-list",))
        return (
            [line for line in about if not line.startswith(("CPU time", "Used memory"))],
            [self._alpha.virsh(first, self.name, *more) for first, *more in words],
            sorted(path.name for path in self._alpha.pool.iterdir()),
        )

    def _make(self) -> None:
        """Make it anew; what crashes is booted once, and taken from a file from then on."""
        remove(self._alpha, self.name)
        self._write_files()
        crashes = self._seen is S.CRASHED
        if crashes and self._saved.exists():
            self._alpha.virsh("define", str(self._xml))
        else:
            ensure_guest(self._alpha, self._guest, self._lab.root, self._lab.accelerator)
            if crashes:
                self._boot_and_save()
        for word, *more in self._then:
            if word == "restore":
                self._alpha.virsh(word, str(self._saved))
            else:
                self._alpha.virsh(word, self.name, *more)

    def _boot_and_save(self) -> None:
        self._xml.write_text(self._alpha.virsh("dumpxml", "--inactive", self.name))
        self._alpha.virsh("start", self.name)
        wait_ready(self._alpha, self.name)
        self._alpha.virsh("save", self.name, str(self._saved))

    def _write_files(self) -> None:
        for suffix, content in (("qcow2", self._empty), ("extra", bytes(1 << 20))):
            path = self._alpha.pool / f"{self.name}.{suffix}"
            path.write_bytes(content)
            own(self._lab, path)

    async def _request(self, verb: Verb, row: Instance) -> Request:
        given = REAL.get(verb.name, OPTIONS.get(verb.name, {}))
        words = {
            "name": self.name,
            "directory": self._directory,
            "host": self._alpha.directory,
            "pool": self._alpha.pool,
            "mac": row.interfaces[0].mac,
            "xml": await self._edited(row) if "{xml}" in given.values() else "",
        }
        options = {
            name: value.format(**words) if isinstance(value, str) else value
            for name, value in given.items()
        }
        return verb.request(subject=row.key, **options)

    async def _edited(self, row: Instance) -> str:
        try:
            document = await self._fleet.definitions.document(row.key)
        except NotFoundError:
            return f"<domain type='qemu'><name>{self.name}</name></domain>"
        return document.replace(">preserve</on_crash>", ">destroy</on_crash>")

    async def _complaint(self, request: Request) -> str:
        """Have it done; return what was wrong with how it ended. What asks is cancelled."""
        operation = await self._fleet.submit(request)
        await until(lambda: operation.record.status.final or waits(operation.record), 60)
        if not operation.record.status.final:
            await self._fleet.cancel(operation.id)
        with suppress(VirtdeckError):
            await operation
        record = operation.record
        if record.status in (OperationStatus.DONE, OperationStatus.CANCELLED):
            return ""
        if record.status is OperationStatus.FAILED and record.hint:
            return ""
        if record.status is OperationStatus.REFUSED and any(
            end in record.outcome for end in (": ", ". ")
        ):
            return ""  # why, and the cure
        return f"{record.status}: {record.outcome} {record.hint}"


def waits(record: OperationRecord) -> bool:
    """Whether it goes on only once somebody does something: answers, or resumes a paused guest."""
    asks = record.status is OperationStatus.ASKING
    return asks or (record.countdown is not None and record.countdown.until is None)


def refresh(alpha: LabHost) -> None:
    """Have the pool's files known; it is not read while a volume of it is being written."""
    while True:
        try:
            alpha.virsh("pool-refresh", "default")
        except LabError as error:
            if "asynchronous jobs" not in error.message:
                raise
            time.sleep(0.2)
        else:
            return


def remove(alpha: LabHost, name: str) -> None:
    """Remove an instance, what a verb made of it, and all its files."""
    for each in alpha.instances():
        if each not in (name, f"other-{name}", f"clone-of-{name}"):
            continue
        with suppress(LabError):
            alpha.virsh("destroy", each)
        with suppress(LabError):  # a transient one is gone
            alpha.virsh(
                *("undefine", each, "--managed-save", "--snapshots-metadata"),
                "--checkpoints-metadata",
            )
    for path in [*alpha.pool.glob(f"*{name}.*"), alpha.directory / f"{name}.core"]:
        path.unlink(missing_ok=True)


@pytest.fixture
def cleared(alpha: LabHost) -> Iterator[None]:
    yield
    for state in STATES:
        remove(alpha, f"s-{state}")
    refresh(alpha)


@pytest.mark.usefixtures("cleared")
@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("state", STATES)
async def test_a_verb_is_carried_out_or_refused_in_every_state_of_a_real_instance(
    state: str, half: int, lab: Lab, fleet: Fleet, tmp_path: Path
) -> None:
    """Every other verb in one test: all of them take as long as what counts as a hang."""
    wrong = await Tried(state, lab, fleet, tmp_path).walk(TRIED[half::2])
    assert not wrong, "\n".join(wrong)
