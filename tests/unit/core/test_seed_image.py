"""The seed for cloud-init: its files, and the image that holds them."""

from __future__ import annotations

import io
import json
from typing import Any

import pycdlib
from hypothesis import given
from hypothesis import strategies as st

from core.model.seed import Seed, is_seed, seed_capacity, seed_name
from core.seed_image import seed_files, seed_image

SEED = Seed("an-id", "web", "ada", ("ssh-ed25519 AAAA ada@here",))
HASH = "$6$salt$hash"


def read(image: bytes) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return the label, and the files as Linux and as Windows see them."""
    iso: Any = pycdlib.PyCdlib()
    iso.open_fp(io.BytesIO(image))
    label = iso.pvd.volume_identifier.decode().strip()
    trees = []
    for kind in ("rr_path", "joliet_path"):
        found = {}
        for entry in iso.list_children(**{kind: "/"}):
            if entry.is_dir():
                continue
            name = (
                entry.rock_ridge.name().decode()
                if kind == "rr_path"
                else entry.file_identifier().decode("utf-16-be")
            )
            out = io.BytesIO()
            iso.get_file_from_iso_fp(out, **{kind: f"/{name}"})
            found[name] = out.getvalue().decode()
        trees.append(found)
    iso.close()
    return label, trees[0], trees[1]


def test_the_image_has_the_files_that_cloud_init_looks_for():
    label, linux, joliet = read(seed_image(SEED, HASH))
    assert label == "CIDATA"
    assert linux == joliet == seed_files(SEED, HASH)
    assert json.loads(linux["meta-data"]) == {"instance-id": "an-id", "local-hostname": "web"}


def test_the_user_may_log_in_and_become_root():
    head, _, text = seed_files(SEED, HASH)["user-data"].partition("\n")
    assert head == "#cloud-config"
    (user,) = json.loads(text)["users"]
    assert user["name"] == "ada"
    assert user["ssh_authorized_keys"] == ["ssh-ed25519 AAAA ada@here"]
    assert (user["passwd"], user["lock_passwd"]) == (HASH, False)
    _, _, text = seed_files(SEED)["user-data"].partition("\n")
    (user,) = json.loads(text)["users"]
    assert user["lock_passwd"]
    assert "passwd" not in user


def test_without_a_user_it_is_for_the_images_own():
    _, _, text = seed_files(Seed("i", "web", "", ("ssh-rsa A",)), HASH)["user-data"].partition("\n")
    config = json.loads(text)
    assert "users" not in config
    assert config["ssh_authorized_keys"] == ["ssh-rsa A"]
    assert config["password"] == HASH
    assert config["chpasswd"] == {"expire": False}


def test_user_data_and_network_configuration_are_taken_as_they_are():
    own = Seed("i", "web", user_data="#!/bin/sh\necho hello\n", network_config="version: 2\n")
    files = read(seed_image(own))[1]
    assert files["user-data"] == own.user_data
    assert files["network-config"] == own.network_config
    assert "network-config" not in seed_files(SEED)


def test_a_later_boot_without_the_seed_leaves_the_guest_alone():
    assert "touch /etc/cloud/cloud-init.disabled" in seed_files(SEED)["vendor-data"]


@given(st.text(max_size=2000), st.lists(st.text(max_size=600), max_size=4))
def test_it_fits_into_the_volume_that_is_made_for_it(data: str, keys: list[str]):
    seed = Seed("i", "web", user_data=data, ssh_keys=tuple(keys), network_config=data)
    seed = Seed(**{name: _sendable(getattr(seed, name)) for name in seed.__struct_fields__})
    assert len(seed_image(seed, HASH)) <= seed_capacity(seed)


def _sendable(value: Any) -> Any:
    """Text without lone surrogates, as parameters refuse them."""
    if isinstance(value, tuple):
        return tuple(map(_sendable, value))
    return value.encode(errors="ignore").decode()


def test_a_seed_is_known_by_its_instance():
    uuid = "0a7bd1a4-8a0e-4ad4-9d3f-3a7b2c6f9a10"
    name = seed_name("web", uuid)
    assert name == "web-seed-0a7bd1a4.iso"
    assert is_seed(f"/images/{name}", uuid)
    assert not is_seed("/images/web-seed-00000000.iso", uuid)
    assert not is_seed("/isos/debian.iso", uuid)
