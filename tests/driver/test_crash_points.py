"""Every verb, its console killed at every point of its journal: what the next console makes of it.

A console commits an operation when it was asked for, before and after each call, and at the end.
It is killed right before and right after each of these. The next console on the same journal must
end what was left, done or not done, or ask the operator what nothing can tell. It
must agree with what libvirt shows, and no call that takes effect is ever made twice: the daemon's
own log of its calls is what is counted.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from core.fleet import Fleet
from core.hypervisor.connection.binding import libvirt
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.uri import normalised
from core.journal.definitions import DefinitionStore, Sighting, path_beside
from core.journal.ledger import Ledger
from core.model import OperationRecord, OperationStatus
from core.verbs.registry import VERBS
from core.verbs.verb import Verb
from core.xml.definition.document import editable
from core.xml.definition.rescue import RescueDisk, rescue_document
from tests.driver.killed_console import KILLED, Errand, Starter, starter
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until

SUBJECTS = 18
"""Points a verb may have, and one more for the console that is not killed."""
MOST = 100
"""Entries that are read of a journal."""
QUIET = LinkOptions(statistics_interval=3600, sweep_interval=0)
CONFIG, MAXIMUM = libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_VCPU_MAXIMUM

POOL = "<pool type='dir'><name>{name}</name><target><path>/pools/{name}</path></target></pool>"
NEW = (
    "<domain type='test'><name>new{number}</name><memory>8192</memory><os><type>hvm</type></os>"
    "<devices><graphics type='vnc' passwd='s3cret'/></devices></domain>"
)
VOLUME = "<volume><name>{name}</name><capacity>1024</capacity></volume>"
NETWORK = "<network><name>{name}</name><bridge name='virbr{number}'/></network>"


@dataclass(frozen=True)
class Unmade:
    """What a verb is to make, by its UUID: it is there, or it is not."""

    keeper: Any
    uuid: str
    kind: str = "instance"

    def UUIDString(self) -> str:  # noqa: N802 - as libvirt's objects have it
        return self.uuid

    def there(self) -> bool:
        listings = {
            "network": self.keeper.listAllNetworks,
            "pool": self.keeper.listAllStoragePools,
        }
        listing = listings.get(self.kind, self.keeper.listAllDomains)
        return any(one.UUIDString() == self.uuid for one in listing(0))


@dataclass(frozen=True)
class MadeVolume:
    """A volume, which has no UUID, by the id that its key has."""

    pool: Any
    name: str

    def UUIDString(self) -> str:  # noqa: N802 - as libvirt's objects have it
        return f"{self.pool.UUIDString()}/{self.name}"

    def gone(self) -> bool:
        return self.name not in self.pool.listVolumes()


@dataclass(frozen=True)
class Trial:
    """How a verb is tried. Its subject is one of libvirt's objects."""

    function: str
    """The calls of libvirt's API that it makes, as the daemon's log has them: `one|other`."""
    before: Callable[[Any], object] = lambda _: None
    """Makes the subject one for which the verb makes sense: a running instance, else an inactive
    object."""
    shows: Callable[[Any], bool] | None = None
    """Whether the subject shows that the verb took effect; None: nothing shows it."""
    options: dict[str, Any] = field(default_factory=dict)
    """A function is given the subject, and returns what there is to be."""
    dead: str = ""
    """The address of another host, which is dead: definitions of it are kept."""


def _active(subject: Any) -> bool:
    return bool(subject.isActive())


def _inactive(subject: Any) -> bool:
    return not subject.isActive()


def _no_network(network: Any) -> bool:
    known = network.connect().listAllNetworks(0)
    return all(one.UUIDString() != network.UUIDString() for one in known)


def _no_pool(pool: Any) -> bool:
    known = pool.connect().listAllStoragePools(0)
    return all(one.UUIDString() != pool.UUIDString() for one in known)


def _marked(subject: Any) -> bool:
    return bool(subject.autostart())


def _in(state: int) -> Callable[[Any], bool]:
    return lambda domain: domain.state()[0] == state


def _texts(kind: int) -> Callable[[Any], bool]:
    def shows(domain: Any) -> bool:
        try:
            return bool(domain.metadata(kind, None, CONFIG) == "said")
        except libvirt.libvirtError:  # it has none
            return False

    return shows


def _has_vcpus(domain: Any) -> bool:
    return bool(domain.vcpusFlags(CONFIG) == 2 and domain.vcpusFlags(CONFIG | MAXIMUM) == 4)


def _has_memory(domain: Any) -> bool:
    return "<currentMemory unit='KiB'>32768</" in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)


def _document(domain: Any) -> str:
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    return editable(domain.XMLDesc(flags))


def _to_be_edited(domain: Any) -> str:
    return _document(domain).replace(">restart</on_reboot>", ">destroy</on_reboot>")


def _rescued(domain: Any) -> None:
    domain.destroy()
    disk = RescueDisk("/srv/rescue.iso", "cdrom", "raw")
    domain.connect().defineXML(rescue_document(_document(domain), disk))


def _edited(domain: Any) -> bool:
    return ">destroy</on_reboot>" in _document(domain)


def _saved(domain: Any) -> bool:
    return bool(not domain.isActive() and domain.hasManagedSaveImage())


def _restored(domain: Any) -> bool:
    return bool(domain.isActive() and not domain.hasManagedSaveImage())


def _renamed(domain: Any) -> bool:
    again = domain.connect().lookupByUUID(domain.UUID())  # it keeps the name it was found by
    return bool(again.name().startswith("renamed"))


def _undefined(domain: Any) -> bool:
    try:
        domain.connect().lookupByUUID(domain.UUID())
    except libvirt.libvirtError:
        return True
    return False


def _started_anew(domain: Any) -> bool:
    again = domain.connect().lookupByUUID(domain.UUID())  # it keeps the number it was found by
    return bool(again.ID() > SUBJECTS)  # those of the first starts


def _off(domain: Any) -> None:
    domain.destroy()


TRIALS = {
    "start": Trial("virDomainCreate", _off, _active),
    "shutdown": Trial("virDomainShutdown", shows=_inactive, options={"timeout": 5.0}),
    "stop": Trial("virDomainDestroy", shows=_inactive),
    "reboot": Trial("virDomainReboot", options={"timeout": 5.0}),
    "hard-reboot": Trial("virDomainDestroy|virDomainCreate", shows=_started_anew),
    "reset": Trial("virDomainReset"),
    "pause": Trial("virDomainSuspend", shows=_in(libvirt.VIR_DOMAIN_PAUSED)),
    "resume": Trial(
        "virDomainResume", lambda domain: domain.suspend(), _in(libvirt.VIR_DOMAIN_RUNNING)
    ),
    "save": Trial("virDomainManagedSave", shows=_saved),
    "restore": Trial("virDomainCreate", lambda domain: domain.managedSave(), _restored),
    "save-remove": Trial(
        *("virDomainManagedSaveRemove", lambda domain: domain.managedSave()),
        *(lambda domain: not domain.hasManagedSaveImage(),),
    ),
    "nmi": Trial("virDomainInjectNMI"),
    "send-key": Trial("virDomainSendKey"),
    "screenshot": Trial("virDomainScreenshot", options={"to": "{directory}/{number}.png"}),
    "rename": Trial(
        *("virDomainRename", _off, _renamed),
        options={"to": "renamed-{number}"},
    ),
    "snapshot-create": Trial(
        *("virDomainSnapshotCreateXML", lambda _: None, lambda domain: domain.snapshotNum() > 0),
        options={"name": "one"},
    ),
    "undefine": Trial("virDomainUndefineFlags", _off, _undefined),
    "edit": Trial(
        "virDomainDefineXML", lambda _: None, _edited, {"xml": _to_be_edited, "base": _document}
    ),
    "rescue": Trial(
        *("virDomainDefineXML", _off, lambda domain: "urn:virtdeck:rescue" in _document(domain)),
        options={"image": "/srv/rescue.iso", "start": False},
    ),
    "unrescue": Trial(
        *(
            "virDomainDefineXML",
            _rescued,
            lambda domain: "virtdeck:rescue" not in _document(domain),
        ),
        options={"start": False},
    ),
    "set-boot-order": Trial(
        "virDomainDefineXML",
        lambda _: None,
        lambda domain: '<boot dev="network"/>' in _document(domain),
        {"devices": ("network",)},
    ),
    "resize": Trial(
        *("virDomainDefineXML", _off, lambda domain: ">3</vcpu>" in _document(domain)),
        options={"vcpus": 3},
    ),
    "set-memory-limits": Trial("virDomainSetMemoryParameters", options={"hard": 1024}),
    "autostart": Trial("virDomainSetAutostart", shows=_marked),
    "title": Trial(
        *("virDomainSetMetadata", lambda _: None, _texts(libvirt.VIR_DOMAIN_METADATA_TITLE)),
        options={"text": "said"},
    ),
    "description": Trial(
        *("virDomainSetMetadata", lambda _: None, _texts(libvirt.VIR_DOMAIN_METADATA_DESCRIPTION)),
        options={"text": "said"},
    ),
    "set-metadata": Trial("virDomainSetMetadata", options={"uri": "urn:crash", "xml": "<crash/>"}),
    "set-vcpus": Trial(
        *("virDomainSetVcpusFlags", lambda _: None, _has_vcpus),
        options={"count": 2, "maximum": 4, "when": "next-start"},
    ),
    "set-memory": Trial(
        "virDomainSetMemoryFlags", lambda _: None, _has_memory, {"size": 32, "when": "next-start"}
    ),
    "pool-start": Trial("virStoragePoolCreate", shows=_active),
    "pool-stop": Trial("virStoragePoolDestroy", lambda pool: pool.create(), _inactive),
    "pool-refresh": Trial("virStoragePoolRefresh", lambda pool: pool.create()),
    "pool-autostart": Trial("virStoragePoolSetAutostart", shows=_marked),
    "pool-create": Trial(
        *("virStoragePoolDefineXML", lambda _: None),
        lambda unmade: unmade.there(),
        {"name": "new{number}", "path": "/pools/new{number}", "start": False, "autostart": False},
    ),
    "pool-edit": Trial(
        *("virStoragePoolDefineXML", lambda _: None),
        *(lambda pool: "/pools/edited" in pool.XMLDesc(0),),
        {"xml": "<pool type='dir'><target><path>/pools/edited{number}</path></target></pool>"},
    ),
    "pool-undefine": Trial("virStoragePoolUndefine", shows=_no_pool),
    "volume-delete": Trial("virStorageVolDelete", shows=lambda volume: volume.gone()),
    "network-start": Trial("virNetworkCreate", shows=_active),
    "network-stop": Trial("virNetworkDestroy", lambda network: network.create(), _inactive),
    "network-autostart": Trial("virNetworkSetAutostart", shows=_marked),
    "network-create": Trial(
        *("virNetworkDefineXML", lambda _: None),
        lambda unmade: unmade.there(),
        {"name": "new{number}", "mode": "isolated", "start": False, "autostart": False},
    ),
    "network-edit": Trial(
        *("virNetworkDefineXML", lambda _: None),
        *(lambda network: "<mtu size='1400'/>" in network.XMLDesc(0),),
        {"xml": "<network><bridge name='virbr77'/><mtu size='1400'/></network>"},
    ),
    "network-add-port-group": Trial(
        *("virNetworkUpdate", lambda network: network.create()),
        *(lambda network: "red" in network.XMLDesc(0), {"name": "red"}),
    ),
    "network-delete": Trial("virNetworkUndefine", shows=_no_network),
    "create-from-xml": Trial(
        *("virDomainDefineXML", lambda _: None, lambda unmade: unmade.there()),
        options={"xml": NEW},
    ),
    "evacuate": Trial(
        *("virDomainDefineXML", lambda _: None, lambda unmade: unmade.there()),
        options={"source": "omega", "fenced": "omega", "name": "new{number}", "start": False},
        dead="qemu+unix:///system?socket=/no/such/sock",
    ),
}
BY_AGENT = {"set-time", "set-password", "add-ssh-key", "remove-ssh-key", "trim"} | {
    *("exec", "freeze", "thaw", "guest-vcpus"),
}
"""The test driver has no guest agent: tests/lab/test_crash_points.py has one of them."""
BLOCK_JOBS = {
    *("image", "block-copy", "volume-swap", "block-pull", "block-commit"),
    *("block-job-speed", "block-job-pivot", "block-job-abort"),
}
"""The test driver has no block jobs: tests/lab/test_crash_points.py has those that begin one."""
BACKUPS = {"backup", "backup-pull", "checkpoint-create", "checkpoint-delete"}
"""The test driver has none: tests/lab/test_crash_points.py has them."""
DEVICES = {"volume-attach", "volume-detach", "interface-attach", "interface-detach"} | {
    *("change-media", "volume-create", "volume-upload", "volume-download", "volume-wipe"),
    *("volume-resize", "volume-clone", "device-attach", "device-detach", "volume-extend"),
    *("device-share", "device-release", "device-reattach"),
}
"""The test driver takes no devices, and neither fills nor changes volumes: tests/lab has them."""
LIKE_ANOTHER = {
    *("set-cpu-mode", "set-graphics", "add-agent-channel", "set-watchdog", "add-rng", "add-tpm"),
    *("set-disk-limits", "set-network-limits", "set-cpu-limits", "set-link"),
    *("network-create-from-xml", "network-remove-port-group", "pool-create-from-xml"),
    *("network-add-dhcp-host", "network-remove-dhcp-host"),
    *("network-add-dns-host", "network-remove-dns-host"),
}
"""They make the call of set-boot-order, and differ in what they make of a definition; or that of
set-memory-limits, or one that is sent again likewise; or that of another verb of networks."""
NOT_TRIED = {
    *(*BY_AGENT, *BLOCK_JOBS, *BACKUPS, *DEVICES, *LIKE_ANOTHER),
    *("core-dump", "snapshot-revert", "snapshot-delete"),
    *("create", "create-from-image", "remove-seed", "clone"),
    *("cold-migrate", "confirm-cold-migration", "revert-cold-migration"),
    *("nwfilter-define", "nwfilter-delete", "device-create", "device-delete"),
    *("pool-build", "pool-delete", "volume-connect", "volume-disconnect"),
}
"""It has no network filters, whose calls are sent again, and no mediated
devices. It dumps more than the memory or nothing, and offers new guests nothing. What is
done to a snapshot is tried on the lab, in tests/lab/test_crash_points.py; what is made with its
disks in tests/lab/test_create_crashes.py. A clone of what has no disks is one definition, as that
of a rescue; with disks it is in tests/lab/test_clone.py. What changes two hosts is killed with both
in tests/lab/test_cold_crashes.py. What a pool lies on the test driver neither makes nor removes."""


UNSEEN = {
    "reboot": "an event tells of it, and nobody was there to hear it",
    "reset": "an event tells of it, and nobody was there to hear it",
    "nmi": "only the guest knows, and another interrupt may crash it again",
    "send-key": "only the guest knows, and another press is another key",
    "screenshot": "its file is on this machine, and may be half written",
    "pool-refresh": "nothing: it is sent again",
    "set-memory-limits": "nothing: it is sent again",
    "set-metadata": "nothing: it is sent again",
}
"""Why nothing in libvirt's state tells whether these happened."""


def test_what_nothing_shows_is_known() -> None:
    assert {name for name, trial in TRIALS.items() if trial.shows is None} == set(UNSEEN)


def test_every_verb_that_is_no_workflow_is_tried() -> None:
    verbs = {verb.name for verb in VERBS.values() if verb.decide is not None}
    assert verbs == set(TRIALS) | NOT_TRIED


@dataclass
class Killed:
    """One console that was killed, or, the last, ended by itself."""

    verb: Verb
    point: int
    subject: Any
    journal: Path
    calls: Counter[str]
    """Those that the daemon carried out, with their arguments."""
    status: int = 0
    record: OperationRecord | None = None
    """Its operation as the next console left it."""

    @property
    def repeatable(self) -> bool:
        """Whether the next console may make its call again: its first, the only one tried here."""
        return self.verb.calls[0].repeatable

    def complaint(self, shows: Callable[[Any], bool] | None) -> str:
        """Return what is wrong; empty: nothing."""
        found = self._wrong(shows)
        how = "killed" if self.status == KILLED else f"ended with {self.status}"
        outcome = self.record and f"{self.record.status}: {self.record.outcome}"
        where = f"{self.verb.name} {how} at point {self.point}"
        return f"{where}: {found} ({outcome}; {dict(self.calls)})" if found else ""

    def _wrong(self, shows: Callable[[Any], bool] | None) -> str:
        if not self.repeatable and any(times > 1 for times in self.calls.values()):
            return "a call was made twice"
        if self.record is None:
            return "a call was made without an entry" if self.calls else ""
        if not _ended(self.record.status):
            return "it is not ended"
        if self.record.status in (OperationStatus.UNKNOWN, OperationStatus.ASKING):
            if shows is not None and shows(self.subject):
                return "libvirt shows what became of it"
            if self.repeatable:
                return "it could have been sent again"
            return "" if self._asks(self.record) else "it asks the operator nothing"
        if not self.calls and "was asked" in self.record.outcome.split("whether")[0]:
            return "it claims a call that was not made"
        done = self.record.status is OperationStatus.DONE
        if done and not self.calls and not self.repeatable:
            return "it is called done, and nothing was called"
        if shows is not None and shows(self.subject) != done:
            return "libvirt shows otherwise"
        return ""

    @staticmethod
    def _asks(record: OperationRecord) -> bool:
        if record.question is not None:
            return "again" in record.question.text or "Go on" in record.question.text
        heard = any(step.call and step.took is not None for step in record.steps)
        return heard and bool(record.hint)  # libvirt's yes is all that is known of it


class Walk:
    """One verb through all of its points, on a daemon of its own."""

    def __init__(self, name: str, daemon: PrivateDaemon, directory: Path) -> None:
        self.verb, self.trial = VERBS[name], TRIALS[name]
        self._daemon = daemon
        self._directory = directory / name
        self._directory.mkdir()
        self.killed: list[Killed] = []

    async def run(self, starter: Starter) -> None:
        """Kill a console at each point, then have one look at what they left."""
        subjects = [self._subject(number) for number in range(1, SUBJECTS + 1)]
        for point in count(1):
            killed = await self._kill(starter, point, subjects[point - 1])
            self.killed.append(killed)
            if killed.status != KILLED:
                break
        seen = len(self._log())
        await self._look_after()
        later = self._calls(self._log()[seen:])
        for killed in self.killed:
            name = str(killed.subject.UUIDString())
            # a pool or a network is not named there: one call for all of them is one too many,
            # unless it may be made again
            anyone = () if killed.repeatable else ("uuid=",)
            killed.calls += Counter({
                call: later[call] for call in later
                if name in call or any(word not in call for word in anyone)
            })  # fmt: skip

    def complaints(self) -> list[str]:
        """Return what was wrong at which point."""
        whole = self.killed[-1]
        assert (whole.status, whole.record and whole.record.status) == (0, OperationStatus.DONE), (
            f"{self.verb.name} is not carried out at all: {whole}"
        )
        assert len(self.killed) > 6, f"{self.verb.name} has too few points: {self.killed}"
        return [text for each in self.killed if (text := each.complaint(self.trial.shows))]

    def _subject(self, number: int) -> Any:
        made = self._make(number)
        self.trial.before(made)
        return made

    def _make(self, number: int) -> Any:
        keeper, name = self._daemon.keeper, f"walked{number}"
        if self.verb.subject == "pool":
            return keeper.storagePoolDefineXML(POOL.format(name=name), 0)
        if self.verb.subject == "volume":
            pool = keeper.storagePoolDefineXML(POOL.format(name=name), 0)
            pool.create()
            pool.createXML(VOLUME.format(name=name), 0)
            return MadeVolume(pool, name)
        if self.verb.makes:
            return Unmade(keeper, str(uuid4()), self.verb.makes)
        if self.verb.subject == "network":
            return keeper.networkDefineXML(NETWORK.format(name=name, number=number + 10))
        return keeper.lookupByName(f"vm{number:04}")

    async def _kill(self, starter: Starter, point: int, subject: Any) -> Killed:
        journal = self._directory / f"{point}.sqlite3"
        seen = len(self._log())
        options = {
            name: value.format(number=point, directory=self._directory)
            if isinstance(value, str)
            else value(subject)
            if callable(value)
            else value
            for name, value in self.trial.options.items()
        }
        others = {}
        if self.trial.dead:
            others = {"omega": self.trial.dead}
            keep_of_dead(self.trial.dead, journal, subject.UUIDString(), f"new{point}")
        status = await starter.run(
            Errand(
                *(self._daemon.uri, str(journal), self.verb.name, subject.UUIDString()),
                *(options, point, others),
            )
        )
        calls = self._calls(self._log()[seen:])
        return Killed(self.verb, point, subject, journal, calls, status)

    async def _look_after(self) -> None:
        """Open one console on what all the others left in their journals."""
        left = self._directory / "left.sqlite3"
        ledger = Ledger.open(left)
        ids: dict[int, str] = {}
        for killed in self.killed:
            of_one = Ledger.open(killed.journal)
            for entry in of_one.recent(MOST):
                ids[killed.point] = entry.record.id
                ledger.put(entry)
            of_one.close()
        ledger.close()
        async with Fleet.open([f"alpha={self._daemon.uri}"], journal=left, options=QUIET) as fleet:
            await until(lambda: fleet.state.operations.keys() >= set(ids.values()))
            with suppress(TimeoutError):  # a complaint names what is not over
                await until(lambda: _all_over(fleet, ids.values()), 60)
            for killed in self.killed:
                if (found := ids.get(killed.point)) is not None:
                    killed.record = fleet.state.operations[found]

    def _log(self) -> str:
        return self._daemon.calls.read_text()

    def _calls(self, log: str) -> Counter[str]:
        lines = re.findall(rf" : ((?:{self.trial.function})(?:Flags|WithFlags)?:\d+ : .*)", log)
        return Counter(re.sub(r"\w+=0x[0-9a-f]{5,}", "", line) for line in lines)


def keep_of_dead(uri: str, journal: Path, uuid: str, name: str) -> None:
    """Keep a definition of a host that nobody reaches any more."""
    store = DefinitionStore.open(path_beside(journal))
    named = f"<name>{name}</name><uuid>{uuid}</uuid>"
    xml = NEW.format(number=0).replace("<name>new0</name>", named)
    store.put(normalised(uri), {uuid: (editable(xml), Sighting(name, False, False))}, 1.0)
    store.close()


def _all_over(fleet: Fleet, ids: Iterable[str]) -> bool:
    return all(_ended(fleet.state.operations[one].status) for one in ids)


def _ended(status: OperationStatus) -> bool:
    return status.final or status is OperationStatus.ASKING


async def test_a_console_killed_at_any_point_leaves_what_the_next_one_can_end(
    tmp_path: Path,
) -> None:
    complaints: list[str] = []

    async def walk(name: str, starter: Starter) -> None:
        running = SUBJECTS if VERBS[name].subject == "instance" else 0
        with PrivateDaemon(running, running, log_calls=True) as daemon:
            walked = Walk(name, daemon, tmp_path)
            await walked.run(starter)
            complaints.extend(walked.complaints())

    with starter() as one, starter() as other:
        walks = [walk(name, other if nth % 2 else one) for nth, name in enumerate(TRIALS)]
        broken = await asyncio.gather(*walks, return_exceptions=True)
    complaints += [repr(error) for error in broken if error is not None]
    assert not complaints, "\n".join(complaints)
