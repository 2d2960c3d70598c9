"""A connection_info of each protocol, as Cinder's drivers return them."""

from __future__ import annotations

import json
from typing import Any

VOLUME = "3f8a6d1c-0f0e-4b58-9d5e-4a4d6d1a9c11"
ISCSI: dict[str, Any] = {
    "target_discovered": False,
    "target_portal": "10.0.0.5:3260",
    "target_iqn": f"iqn.2010-10.org.openstack:volume-{VOLUME}",
    "target_lun": 1,
    "auth_method": "CHAP",
    "auth_username": "chap-user",
    "auth_password": "chap-word",
}
DATA: dict[str, dict[str, Any]] = {
    "iscsi": ISCSI,
    "iser": ISCSI,
    "fibre_channel": {
        "target_discovered": True,
        "target_wwn": ["50060e801049cfd1", "50060e801049cfd2"],
        "target_lun": 1,
        "initiator_target_map": {"100010604b010459": ["50060e801049cfd1"]},
    },
    "nvmeof": {
        "target_nqn": "nqn.2014-08.org:volume-1",
        "vol_uuid": "f2d1a5c1-7a5b-4a2d-9d0a-0a6f6f1a2b3c",
        "portals": [["10.0.0.6", 4420, "tcp"]],
        "ns_id": 1,
    },
    "rbd": {
        "name": "volumes/volume-1",
        "hosts": ["10.0.0.1", "fd00::2"],
        "ports": ["6789", "6789"],
        "auth_enabled": True,
        "auth_username": "cinder",
        "secret_type": "ceph",
        "secret_uuid": "457eb676-33da-42ec-9a8c-9293d545c337",
    },
    "nfs": {"export": "10.0.0.7:/exports/volumes", "name": "volume-1", "format": "qcow2"},
    "smbfs": {"export": "//10.0.0.8/volumes", "name": "volume-1", "options": "-o pass=smb-word"},
    "quobyte": {"export": "quobyte1/volumes", "name": "volume-1", "format": "raw"},
    "gpfs": {"device_path": "/gpfs/volumes/volume-1"},
    "vzstorage": {"export": "cluster1", "name": "volume-1", "format": "raw"},
    "scaleio": {
        "scaleIO_volname": "volume-1",
        "scaleIO_volume_id": "abc123",
        "hostIP": "10.0.0.9",
        "serverIP": "10.0.0.10",
        "serverPort": "443",
        "serverUsername": "admin",
        "serverPassword": "sio-word",
        "serverToken": "",
        "iopsLimit": None,
        "bandwidthLimit": None,
    },
    "storpool": {"volume": "volume-1", "client_id": "1", "access_mode": "rw"},
    "lightos": {
        "uuid": "f2d1a5c1-7a5b-4a2d-9d0a-0a6f6f1a2b3c",
        "subsysnqn": "nqn.2016-01.com.lightbitslabs:uuid:1",
        "lightos_nodes": {
            "10.0.0.11": {
                "target_portal": "10.0.0.11",
                "target_port": 8009,
                "transport_type": "tcp",
            }
        },
    },
    "local": {"device_path": "/dev/vg/volume-1"},
}
DEVICES: dict[str, dict[str, Any]] = {
    "iscsi": {"type": "block", "path": "/dev/sdc", "scsi_wwn": "3600140500000001"},
    "iser": {"type": "block", "path": "/dev/sdc"},
    "fibre_channel": {"type": "block", "path": "/dev/dm-3", "multipath_id": "3600140500000001"},
    "nvmeof": {"type": "block", "path": "/dev/nvme0n1"},
    "nfs": {"path": "/var/lib/virtdeck/mnt/3bd1"},
    "smbfs": {"path": "/var/lib/virtdeck/mnt/9c2f/volume-1"},
    "quobyte": {"path": "/var/lib/virtdeck/mnt/1f77"},
    "vzstorage": {"path": "/var/lib/virtdeck/mnt/5e01"},
    "scaleio": {"path": "/dev/disk/by-id/emc-vol-1-abc123"},
    "storpool": {"type": "block", "path": "/dev/storpool/volume-1"},
    "lightos": {"path": "/dev/nvme1n1"},
}
"""What os-brick tells of each once it is connected."""


def document(protocol: str, *, more: dict[str, Any] | None = None, **data: Any) -> str:
    """Return the JSON of a protocol's; `data` replaces what it has, None takes it away."""
    known = {**DATA[protocol], "volume_id": VOLUME, **data}
    whole = {key: value for key, value in known.items() if key not in data or value is not None}
    return json.dumps({"driver_volume_type": protocol, "data": whole, **(more or {})})
