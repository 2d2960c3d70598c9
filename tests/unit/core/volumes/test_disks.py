"""The XML of a disk for each protocol, and for each option, against what is kept in tests/data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.model import Disk
from core.volumes.connection_info import ConnectionInfoError, read_connection_info
from core.volumes.connectors.iscsi import of_qemu
from core.volumes.disk import DiskWishes, attached_disk, disk_of, next_unit
from core.volumes.protocols import PROTOCOLS, family_of
from core.volumes.quality import LIMITS, limits_of
from core.xml.new_disk import disk_xml
from tests.places import DATA_DIRECTORY
from tests.unit.core.volumes.infos import DEVICES, document

GOLDEN = DATA_DIRECTORY / "disks"
SECRET = "0d2b1f6e-6b54-5a6c-9a3c-d1f8a4f9d001"
WISHES = DiskWishes("vdb", "virtio")


def made(protocol: str, wishes: DiskWishes = WISHES, **data: Any) -> str:
    info = read_connection_info(document(protocol, **data))
    place = family_of(info).place(info, DEVICES.get(protocol, {}))
    return disk_xml(attached_disk(info, place, wishes))


def wished(**options: Any) -> DiskWishes:
    return DiskWishes(**{"target": "vdb", "bus": "virtio", **options})


def by_qemu() -> str:
    info = read_connection_info(document("iscsi"))
    place = of_qemu(info, {})
    assert place.network is not None
    return disk_xml(attached_disk(info, place, wished(proof=SECRET)))


BURST = {
    name: 10 * (rank + 1) if "length" in name or "_max" not in name else 1000 * (rank + 1)
    for rank, name in enumerate(LIMITS)
    if not name.startswith("total")
}
CASES: dict[str, str] = {
    **{protocol: made(protocol) for protocol in PROTOCOLS},
    "iscsi-by-qemu": by_qemu(),
    "rbd-open-to-all": made("rbd", auth_enabled=False),
    "file-of-local": made("local", device_path="/srv/volume.img"),
    "read-only": made("local", access_mode="ro"),
    "discard": made("local", discard=True),
    "limits": made("local", qos_specs={"total_bytes_sec": "1048576", "total_iops_sec": 100}),
    "limits-with-bursts": made("local", qos_specs={**BURST, "vendor:tier": "gold"}),
    "limits-of-a-group": made("local", wished(limits=(("read_iops_sec", 5),), limit_group="db")),
    "blocks": made("local", logical_block_size=512, physical_block_size="4096"),
    "multiattach": disk_xml(
        attached_disk(
            (shared := read_connection_info(document("local", more={"multiattach": True}))),
            PROTOCOLS["local"].place(shared, {}),
            WISHES,
        )
    ),
    "scsi-unit": made("local", wished(target="sdc", bus="scsi", unit=3)),
    "lun": made("iscsi", wished(target="sdc", bus="scsi", device="lun")),
    "cache-of-the-operator": made("iscsi", wished(cache="writeback")),
    "luks": made("local", wished(luks=SECRET)),
    "luks-over-the-network": made("rbd", wished(luks=SECRET)),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_xml_is_as_it_was_looked_at(name: str) -> None:
    assert CASES[name] == (GOLDEN / f"{name}.xml").read_text().rstrip("\n")


def test_nothing_is_kept_that_no_case_makes() -> None:
    assert {path.stem for path in Path(GOLDEN).iterdir()} == set(CASES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_no_secret_is_in_the_xml(name: str) -> None:
    assert "word" not in CASES[name]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"qos_specs": "fast"}, "qos_specs in the connection_info of local is no object"),
        ({"qos_specs": {"total_iops_sec": "many"}}, "qos_specs.total_iops_sec .* is no number"),
        ({"qos_specs": {"total_iops_sec": "9" * 30}}, "is no number that QEMU takes"),
        (
            {"qos_specs": {"total_iops_sec": 5, "read_iops_sec": 5}},
            "has a total_iops_sec beside one of reads or writes",
        ),
        ({"qos_specs": {"read_iops_sec_max": 5}}, "there is no burst over no limit"),
        ({"qos_specs": {"read_iops_sec": 9, "read_iops_sec_max": 5}}, "a burst is more"),
        (
            {"qos_specs": {"read_iops_sec": 9, "read_iops_sec_max_length": 5}},
            "has a read_iops_sec_max_length without read_iops_sec_max",
        ),
        ({"logical_block_size": 1000}, "logical_block_size .* is no power of two"),
        ({"logical_block_size": 4096, "physical_block_size": 512}, "is less than logical"),
        ({"access_mode": "rx"}, "access_mode .* is neither rw nor ro"),
    ],
)
def test_options_that_make_no_sense_are_named(data: dict[str, Any], words: str) -> None:
    with pytest.raises(ConnectionInfoError, match=words):
        made("local", **data)


def test_a_disk_of_scsi_follows_the_highest_unit_of_the_first_controller() -> None:
    disks = [
        Disk("sda", "scsi", address="drive 0:0:0:4"),
        Disk("sdb", "scsi", address="drive 1:0:0:9"),
        Disk("vda", "virtio", address="pci 0000:00:03.0"),
    ]
    assert next_unit(disks) == 5
    assert next_unit([]) == 0


def test_native_io_goes_with_a_cache_of_none_alone() -> None:
    place = PROTOCOLS["iscsi"].place(read_connection_info(document("iscsi")), DEVICES["iscsi"])
    assert disk_of(place, WISHES).io == "native"
    assert disk_of(place, wished(cache="writethrough")).io == ""
    assert disk_of(place, wished(cache="writethrough", io="threads")).io == "threads"


def test_a_limit_that_is_null_is_none() -> None:
    info = read_connection_info(document("local", qos_specs={"total_iops_sec": None,
                                                             "read_bytes_sec": 7}))  # fmt: skip
    assert limits_of(info) == (("read_bytes_sec", 7),)
