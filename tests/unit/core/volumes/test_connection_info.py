"""What is read of a connection_info, and what is refused of it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import VirtdeckError
from core.model.secret_value import Secret
from core.volumes.connection_info import (
    ConnectionInfo,
    ConnectionInfoError,
    read_connection_info,
)
from core.volumes.connectors.iscsi import of_qemu
from core.volumes.connectors.servers import parsed
from core.volumes.disk import DiskWishes, attached_disk
from core.volumes.gone import GONE
from core.volumes.protocols import PROTOCOLS, family_of
from core.xml.new_disk import disk_xml
from tests.unit.core.volumes.infos import DATA, DEVICES, VOLUME, document

MAP = (
    *("iscsi", "iser", "fibre_channel", "nvmeof", "rbd", "nfs", "smbfs", "quobyte", "gpfs"),
    *("vzstorage", "scaleio", "storpool", "lightos", "local", "fake", "aoe", "drbd", "sheepdog"),
    *("hgst", "disco", "veritas_hyperscale"),
)
"""Every protocol that Nova's driver has had since Rocky."""


def told(text: str) -> str:
    with pytest.raises(ConnectionInfoError) as raised:
        family_of(read_connection_info(text))
    assert raised.value.hint or "fake" in raised.value.message
    return raised.value.message


def test_no_protocol_is_unknown_that_the_map_names() -> None:
    assert set(MAP) == {*PROTOCOLS, *GONE}


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_a_whole_one_is_taken(protocol: str) -> None:
    info = read_connection_info(document(protocol))
    assert family_of(info) is PROTOCOLS[protocol]
    assert (info.protocol, info.volume_id, info.multiattach) == (protocol, VOLUME, False)


NEEDED = [
    ("iscsi", "target_portal", "has no target_portal or target_portals"),
    ("iscsi", "target_iqn", "has no target_iqn or target_iqns"),
    ("iser", "target_lun", "The connection_info of iser has no target_lun or target_luns."),
    ("iscsi", "auth_username", "has no auth_username"),
    ("iscsi", "auth_password", "has no auth_password"),
    ("fibre_channel", "target_wwn", "has no target_wwn or target_wwns"),
    ("fibre_channel", "target_lun", "has no target_lun"),
    ("nvmeof", "target_nqn", "has no target_nqn or nqn or volume_replicas"),
    ("nvmeof", "portals", "has no transport_type"),
    ("rbd", "name", "The connection_info of rbd has no name."),
    ("rbd", "auth_username", "has no auth_username"),
    ("rbd", "secret_uuid", "has no secret_uuid or keyring"),
    ("nfs", "export", "has no export"),
    ("smbfs", "name", "The connection_info of smbfs has no name."),
    ("quobyte", "export", "has no export"),
    ("vzstorage", "name", "has no name"),
    ("gpfs", "device_path", "has no device_path"),
    ("local", "device_path", "has no device_path"),
    ("scaleio", "serverPassword", "has no serverPassword or config_group"),
    ("scaleio", "serverToken", "has no serverToken"),
    ("scaleio", "iopsLimit", "has no iopsLimit"),
    ("scaleio", "scaleIO_volname", "has no scaleIO_volname"),
    ("storpool", "client_id", "has no client_id"),
    ("lightos", "subsysnqn", "has no subsysnqn"),
]


@pytest.mark.parametrize(("protocol", "key", "words"), NEEDED)
def test_a_missing_key_is_named(protocol: str, key: str, words: str) -> None:
    assert words in told(document(protocol, **{key: None}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "is no JSON object"),
        ("{}", "has no driver_volume_type"),
        ('{"driver_volume_type": 3, "data": {}}', "has no driver_volume_type"),
        ('{"driver_volume_type": "iscsi", "data": []}', "data in the connection_info of iscsi is"),
        ('{"driver_volume_type": "floppy", "data": {}}', "floppy is no protocol of Cinder's"),
        (document("iscsi", target_portal={"a": 1}), "target_portal in the connection_info of"),
        (document("iscsi", target_portal="10.0.0.5:x"), "is no address with a port"),
        (document("iscsi", target_portals="10.0.0.5"), "target_portals in the connection_info of"),
        (document("iscsi", target_portals=["a:1", "b:1"], target_luns=[1]), "another length"),
        (document("iscsi", target_lun="abc"), "target_lun in the connection_info of iscsi is no"),
        (document("iscsi", target_luns=[1, "x"]), "target_luns in the connection_info of iscsi is"),
        (document("nvmeof", portals=["10.0.0.6"]), "is no list of address, port and transport"),
        (document("nvmeof", volume_replicas=[{"vol_uuid": "u"}]), "has one without target_nqn"),
        (document("rbd", name="volume-1"), "is not POOL/IMAGE"),
        (document("rbd", ports=["1"]), "ports in the connection_info of rbd has another length"),
        (document("rbd", auth_enabled="perhaps"), "is neither true nor false"),
        (document("nfs", name="../shadow"), "is no name of a file"),
        (document("nfs", format="vmdk"), "is neither raw nor qcow2"),
        (document("lightos", lightos_nodes=["a"]), "is no object of nodes"),
        (document("lightos", lightos_nodes={"a": {"target_port": 1}}), "one without target_portal"),
        (document("storpool", access_mode="w"), "access_mode in the connection_info of storpool"),
        (document("local", device_path="sda"), "is no whole path"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_named(text: str, words: str) -> None:
    assert words in told(text)


@pytest.mark.parametrize(
    ("protocol", "version"),
    [
        *(("aoe", "os-brick"), ("drbd", "3.2.1"), ("hgst", "3.2.1"), ("disco", "3.2.1")),
        *(("veritas_hyperscale", "3.2.1"), ("sheepdog", "QEMU 6.0"), ("fake", "Nova's stand-in")),
    ],
)
def test_what_is_gone_is_refused_with_the_last_version_that_had_it(
    protocol: str, version: str
) -> None:
    text = json.dumps({"driver_volume_type": protocol, "data": {}})
    assert version in told(text)
    assert f"A volume of {protocol} cannot be attached" in told(text)


@pytest.mark.parametrize(
    ("protocol", "key", "word"),
    [
        ("iscsi", "auth_password", "chap-word"),
        ("smbfs", "options", "smb-word"),
        ("scaleio", "serverPassword", "sio-word"),
    ],
)
def test_a_secret_is_in_nothing_that_is_written(protocol: str, key: str, word: str) -> None:
    info = read_connection_info(document(protocol))
    assert word in info.secrets[key].reveal()
    assert word not in repr(info)
    assert info.data[key] == "withheld"


@pytest.mark.parametrize(
    ("protocol", "key", "value"),
    [
        ("iscsi", "auth_password", 12345678),
        ("iscsi", "discovery_auth_password", 1.5),
        ("vzstorage", "export", "mds1,mds2:/cl1:vz-word"),
        ("vzstorage", "export", "cl1:vz/word"),
    ],
)
def test_a_secret_may_be_a_number_or_lie_in_a_text(protocol: str, key: str, value: Any) -> None:
    info = read_connection_info(document(protocol, **{key: value}))
    assert info.secrets[key] == Secret(str(value))
    assert info.data[key] == "withheld"
    assert str(value) not in repr(info)


@pytest.mark.parametrize(
    ("protocol", "key", "value"),
    [
        *(("vzstorage", "export", one) for one in ("cl1", "mds:/cl1", "10.0.0.1:8000:/cl1")),
        *(("iscsi", "auth_password", one) for one in ("", False, True, {}, [])),
        ("iscsi", "qos_specs", {"secret": None, "token": [], "keyring": True}),
        ("nfs", "export", "10.0.0.7:/exports:x"),
    ],
)
def test_what_is_no_secret_is_not_withheld(protocol: str, key: str, value: Any) -> None:
    info = read_connection_info(document(protocol, **{key: value}))
    assert info.data[key] == value
    assert key not in info.secrets


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("config", {"vmware_host_password": "far-in"}),
        ("config", [{"a": [{"apiToken": 4711}]}]),
        ("config", {"secret": {"of": "far-in"}}),
        ("auth_password", ["far-in"]),
        ("auth_password", {"is": "far-in"}),
    ],
)
def test_a_secret_within_another_value_is_refused(key: str, value: Any) -> None:
    message = told(document("iscsi", **{key: value}))
    assert message == f"{key} in the connection_info of iscsi has a secret in it."


def test_a_broken_one_tells_nothing_of_its_secrets() -> None:
    assert "chap-word" not in told(document("iscsi")[:-2])


def test_the_three_forms_of_cinder_are_one() -> None:
    plain = document("nfs", more={"serial": VOLUME, "multiattach": True})
    within = json.dumps({"connection_info": json.loads(plain)})
    flat = json.dumps({"driver_volume_type": "nfs", **DATA["nfs"], "volume_id": VOLUME})
    first, second, third = map(read_connection_info, (plain, within, flat))
    assert first == second
    assert first.multiattach
    assert (third.volume_id, third.text("export")) == (VOLUME, DATA["nfs"]["export"])


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("host", "host", None),
        ("host:1", "host", 1),
        ("10.0.0.1:3260,1", "10.0.0.1", 3260),
        ("fd00::1", "fd00::1", None),
        ("[fd00::1]:3260", "fd00::1", 3260),
    ],
)
def test_a_server_is_read(text: str, name: str, port: int | None) -> None:
    found = parsed(text)
    assert found is not None
    assert (found.name, found.port) == (name, port)


@pytest.mark.parametrize("text", ["", ":1", "a:", "a:0", "a:65536", "[a", "[a]b", "a b", "a/b"])
def test_what_is_no_server_is_none(text: str) -> None:
    assert parsed(text) is None


def test_qemu_reaches_iscsi_with_its_password_and_no_iser() -> None:
    info = read_connection_info(document("iscsi"))
    place = of_qemu(info, {})
    assert place.secret == Secret("chap-word")
    assert place.network is not None
    assert place.network.servers == ("10.0.0.5:3260",)
    with pytest.raises(VirtdeckError, match="QEMU has no iser"):
        of_qemu(read_connection_info(document("iser")), {})


def test_a_key_of_cephs_comes_from_the_keyring() -> None:
    ring = '[client.cinder]\n\tkey = QUJDREVG\n\tcaps mon = "allow r"\n'
    info = read_connection_info(document("rbd", secret_uuid=None, keyring=ring))
    place = PROTOCOLS["rbd"].place(info, {})
    assert place.secret == Secret("QUJDREVG")
    assert place.network is not None
    assert place.network.secret == ""
    empty = read_connection_info(document("rbd", secret_uuid=None, keyring="none"))
    with pytest.raises(ConnectionInfoError, match=r"keyring .* has no key"):
        PROTOCOLS["rbd"].place(empty, {})


@pytest.mark.parametrize("device", [{}, {"path": None}, {"path": "sda"}])
def test_a_volume_without_a_device_is_no_disk(device: dict[str, Any]) -> None:
    info = read_connection_info(document("iscsi"))
    with pytest.raises(VirtdeckError, match="named no device"):
        PROTOCOLS["iscsi"].place(info, device)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


KEYS = sorted({"qos_specs", *(key for one in DATA.values() for key in one)})


@given(st.sampled_from(sorted(PROTOCOLS)), st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_whatever_it_says_it_is_a_disk_or_one_sentence(
    protocol: str, changed: dict[str, Any]
) -> None:
    text = json.dumps({"driver_volume_type": protocol, "data": {**DATA[protocol], **changed}})
    with suppress(VirtdeckError):
        info = read_connection_info(text)
        place = family_of(info).place(info, DEVICES.get(protocol, {}))
        assert disk_xml(attached_disk(info, place, DiskWishes("vda", "virtio")))


def test_the_type_of_an_info_is_a_value() -> None:
    assert ConnectionInfo("local", {}) == ConnectionInfo("local", {})
