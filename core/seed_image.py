"""The ISO image of a cloud-init seed: from what it says to its bytes. The only use of pycdlib.

Any thread; a few milliseconds.
"""

from __future__ import annotations

import io
import json
from typing import Any

from core.model.seed import Seed

LABEL = "CIDATA"
"""By this volume label cloud-init knows it."""
DISABLING = """#!/bin/sh
# The seed is for the first boot only: without it, a later one would take the guest for a new one.
touch /etc/cloud/cloud-init.disabled
"""
"""Vendor data, which cloud-init runs at the end of the first boot beside the user's own."""


def seed_files(seed: Seed, password_hash: str = "") -> dict[str, str]:
    """Return the files of a seed, by name: JSON is YAML."""
    meta = {"instance-id": seed.instance_id, "local-hostname": seed.hostname}
    files = {
        "meta-data": json.dumps(meta, indent=1) + "\n",
        "user-data": seed.user_data or _user_data(seed, password_hash),
        "vendor-data": DISABLING,
    }
    return files | ({"network-config": seed.network_config} if seed.network_config else {})


def seed_image(seed: Seed, password_hash: str = "") -> bytes:
    """Return the image (ISO 9660 with Rock Ridge and Joliet)."""
    import pycdlib

    image: Any = pycdlib.PyCdlib()
    image.new(interchange_level=4, joliet=3, rock_ridge="1.09", vol_ident=LABEL)
    for number, (name, text) in enumerate(seed_files(seed, password_hash).items()):
        data = text.encode()
        image.add_fp(
            io.BytesIO(data), len(data), f"/F{number}.;1", rr_name=name, joliet_path=f"/{name}"
        )
    out = io.BytesIO()
    image.write_fp(out)
    image.close()
    return out.getvalue()


def _user_data(seed: Seed, password_hash: str) -> str:
    config: dict[str, Any] = {"hostname": seed.hostname, "ssh_pwauth": False}
    if seed.user:
        user: dict[str, Any] = {
            "name": seed.user,
            "shell": "/bin/bash",
            "sudo": "ALL=(ALL) NOPASSWD:ALL",
            "lock_passwd": not password_hash,
        }
        if password_hash:
            user["passwd"] = password_hash
        if seed.ssh_keys:
            user["ssh_authorized_keys"] = list(seed.ssh_keys)
        config["users"] = [user]
    else:
        if seed.ssh_keys:
            config["ssh_authorized_keys"] = list(seed.ssh_keys)
        if password_hash:
            config |= {"password": password_hash, "chpasswd": {"expire": False}}
    return "#cloud-config\n" + json.dumps(config, indent=1) + "\n"
