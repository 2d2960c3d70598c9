"""A tape whose objects have a definition to edit, and whose edits end as a test says."""

from __future__ import annotations

from msgspec.structs import replace

from core.engine.handle import Handle
from core.model import ObjectKey, OperationRecord, OperationStatus, Request
from core.model.observation import OperationChanged
from tests.screens.checking_source import Checking

DOCUMENT = """<domain type="kvm">
  <name>web</name>
  <uuid>{uuid}</uuid>
  <memory unit="KiB">262144</memory>
  <currentMemory unit="KiB">262144</currentMemory>
  <vcpu placement="static">2</vcpu>
  <os>
    <type arch="x86_64" machine="pc-q35-7.2">hvm</type>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2"/>
      <source file="/srv/images/web.qcow2"/>
      <target dev="vda" bus="virtio"/>
    </disk>
    <graphics type="vnc" port="-1" autoport="yes" passwd="***"/>
  </devices>
</domain>
"""
NETWORK = """<network>
  <name>default</name>
  <uuid>{uuid}</uuid>
  <forward mode="nat"/>
  <bridge name="virbr0" stp="on" delay="0"/>
  <domain name="lab.example"/>
  <ip address="192.168.122.1" netmask="255.255.255.0">
    <dhcp>
      <range start="192.168.122.2" end="192.168.122.99"/>
      <host mac="52:54:00:00:00:01" name="web" ip="192.168.122.100"/>
    </dhcp>
  </ip>
</network>
"""
POOL = """<pool type="dir">
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <target>
    <path>/srv/images</path>
  </target>
</pool>
"""


class TapeDocuments:
    """A `core.source.Definitions`."""

    def __init__(self) -> None:
        self.document_now = DOCUMENT
        self.others = {"network": NETWORK, "pool": POOL}
        self.pool_name = ""

    async def document(self, key: ObjectKey) -> str:
        """The same definition, of whichever object of a kind."""
        text = self.others.get(key.kind, self.document_now)
        return text.format(uuid=key.id, name=self.pool_name)


class Editing(Checking):
    """`ending` tells how the next edit ends, and why."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.documents = TapeDocuments()
        self.definitions = self.documents
        self.ending: tuple[OperationStatus, str] = (OperationStatus.DONE, "web is defined anew")

    async def submit(self, request: Request) -> Handle:
        handle = await super().submit(request)
        status, outcome = self.ending
        record = replace(handle.record, status=status, outcome=outcome, ended=2.0)
        self._tell(record)
        return handle

    def _tell(self, record: OperationRecord) -> None:
        """Put the end into the picture, as the core does."""
        changed = OperationChanged(record.host, self.state.at, record)
        self._mailroom.post(self.player._store.apply(changed))
