"""The columns of a host's devices, and what is said of the one under the cursor. Pure."""

from __future__ import annotations

from console import format as fmt
from console.device_words import functions, holder_in_words, what
from console.glyphs import glyphs
from console.screens.table_text import facts, heading, table
from console.widgets.columns import Cell, CellValue, Column
from core.model.host_device import HostDevice
from core.model.text import clean
from core.state.device_tree import DeviceLine


def device_columns() -> list[Column[DeviceLine]]:
    """Every column, in order. Sorted by name, each stands below what it is connected to."""
    return [
        Column("name", "DEVICE", _name, lambda row: row.position, min_width=18, max_width=48,
               flex=2, cut="middle", tooltip="Its address, below what it is connected to"),
        Column("what", "WHAT", lambda row: what(row.device), lambda row: what(row.device),
               min_width=8, max_width=12, priority=3, tooltip="What it is for"),
        Column("model", "MODEL", lambda row: model(row.device), lambda row: model(row.device),
               min_width=20, max_width=60, flex=3, priority=2,
               tooltip="Vendor and product, or their numbers"),
        Column("held", "HELD BY", _held, lambda row: tuple(one.name for one in row.holders),
               min_width=10, max_width=36, flex=2, priority=1,
               tooltip="The instances that have it; those in brackets are off"),
        Column("driver", "DRIVER", lambda row: clean(row.device.driver),
               lambda row: row.device.driver, min_width=10, max_width=16, priority=6,
               tooltip="The driver of the host's kernel"),
        Column("group", "GROUP", lambda row: group(row.device),
               lambda row: row.device.iommu_group, width=5, align="right", priority=5,
               tooltip="IOMMU group: all of it is given away together"),
        Column("numa", "NUMA", lambda row: _number(row.device.numa), lambda row: row.device.numa,
               width=4, align="right", priority=8, tooltip="The NUMA cell it is at"),
        Column("functions", "FUNCTIONS", lambda row: functions(row.device),
               lambda row: functions(row.device), min_width=9, max_width=16, priority=7,
               tooltip="SR-IOV: how many virtual functions it has, of how many"),
        Column("types", "MDEV LEFT", lambda row: left(row.device),
               lambda row: sum(one.available for one in row.device.mdev_types), min_width=9,
               max_width=28, priority=9, default_descending=True,
               tooltip="How many mediated devices of each type can still be made"),
    ]  # fmt: skip


def address(device: HostDevice) -> str:
    """Return where it is, without the word for its kind; of what has none libvirt's name."""
    return device.place.partition(":")[2] or device.name


def model(device: HostDevice) -> str:
    """Return vendor and product in words, else their numbers."""
    return clean(device.label or device.ids) or fmt.UNKNOWN


def group(device: HostDevice) -> str:
    """Return its IOMMU group."""
    return _number(device.iommu_group)


def left(device: HostDevice) -> str:
    """Return how many mediated devices can still be made, by their types."""
    return ", ".join(f"{one.available} {clean(one.name or one.id)}" for one in device.mdev_types)


def line_name(row: DeviceLine) -> str:
    """What decides between two that are sorted alike: the tree."""
    return f"{row.position:09}"


def words_of(row: DeviceLine) -> str:
    """What a filter finds it by."""
    one = row.device
    kind = one.kind.removesuffix("_device")
    names = " ".join(holder.name for holder in row.holders) or "free"
    iommu = "" if one.iommu_group is None else f"group{one.iommu_group}"
    return f"{one.name} {one.place} {one.model} {kind} {what(one)} {one.label} {one.ids} " \
           f"{one.driver} {names} {iommu} {functions(one)} {left(one)}"  # fmt: skip


def device_facts(row: DeviceLine) -> list[CellValue]:
    """Say all that is known of a device."""
    one = row.device
    more = ", ".join(place.removeprefix("pci:") for place in one.iommu_others)
    iommu = f"{group(one)}, with {more}" if more else group(one)
    virtual = [place.removeprefix("pci:") for place in one.virtual_functions]
    of = one.physical_function.removeprefix("pci:")
    held: CellValue = Cell("nobody", "muted")
    if row.holders:
        held = ", ".join(map(holder_in_words, row.holders))
    pairs: list[tuple[str, CellValue]] = [
        ("held by", held if one.place else ""),
        ("given as", one.place if not one.model else f"{one.place} or {one.model}"),
        ("vendor, model", f"{clean(one.label)} {one.ids}".strip()),
        ("driver", clean(one.driver)),
        ("iommu group", iommu if one.iommu_group is not None else ""),
        ("numa cell", "" if one.numa is None else str(one.numa)),
        ("is a VF of", of),
        ("functions", f"{functions(one)}: {', '.join(virtual)}" if virtual
         else functions(one) if one.virtual_maximum else ""),
    ]  # fmt: skip
    lines = [heading(f"{address(one)} ({clean(one.name)})"), *facts(pairs)]
    if one.mdev_types:
        rows = [(clean(each.id), clean(each.name), clean(each.api), str(each.available))
                for each in one.mdev_types]  # fmt: skip
        lines += ["", heading("Mediated devices"), *table(("type", "name", "api", "left"), rows)]
    return lines


def _held(row: DeviceLine) -> CellValue:
    if row.holders:
        role = "strong" if any(one.active for one in row.holders) else "muted"
        return Cell(", ".join(map(holder_in_words, row.holders)), role)
    return "" if row.device.place else Cell(fmt.UNKNOWN, "muted")


def _name(row: DeviceLine) -> CellValue:
    arm = "   " * (row.depth - 1) + glyphs().arm if row.depth else ""
    return (Cell(arm, "muted"), Cell(address(row.device), "strong" if row.holders else ""))


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
