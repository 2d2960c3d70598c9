"""What an instance has of its host, as `devices INSTANCE` prints it."""

from __future__ import annotations

from collections.abc import Sequence

from console.cli.listings import print_rows, yes
from console.cli.output import TextColumn
from core.model import Instance
from core.model.base import Value
from core.state.instance_devices import InstanceDevice, devices_of_instance


class InstanceDeviceRow(Value, frozen=True):
    """A device of the host, and who has it."""

    host: str
    instance: str
    device: InstanceDevice


_COLUMNS: tuple[TextColumn[InstanceDeviceRow], ...] = (
    TextColumn("HOST", lambda row: row.host),
    TextColumn("INSTANCE", lambda row: row.instance),
    TextColumn("DEVICE", lambda row: row.device.word or row.device.kind),
    TextColumn("AS", lambda row: row.device.as_what),
    TextColumn("SOURCE", lambda row: row.device.source),
    TextColumn("TAG", lambda row: row.device.tag),
    TextColumn("BUS", lambda row: row.device.bus),
    TextColumn("READ-ONLY", lambda row: _read_only(row.device)),
)


def _read_only(device: InstanceDevice) -> str:
    return "" if device.read_only is None else yes(device.read_only)


def print_devices(instances: Sequence[Instance], as_json: bool) -> None:
    """Print a line for each device of the host that each instance has."""
    rows = [
        InstanceDeviceRow(one.host, one.name, device)
        for one in instances
        for device in devices_of_instance(one)
    ]
    print_rows(rows, _COLUMNS, as_json)
