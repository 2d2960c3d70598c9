"""Plans of migrations: Nova's rules (nova-map 2.2), what libvirt refuses, hostile input."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import RefusedError, UsageError, XmlError
from core.migration.plan.flags import PARAMETERS_SINCE, VIRSH_FLAGS, MigrateFlag, flag_names
from core.migration.plan.plan import (
    Destination,
    describe_destination,
    dry_run,
    plan,
    resume_plan,
)
from core.migration.preflight.machine import Machine
from core.model import InstanceState, ObjectKey
from core.model.rewrites import GraphicsListen, InterfaceRewrite, Rewrites, VolumeRewrite
from core.verbs.migration.requests import Migrate
from core.xml import read_instance
from tests.places import DATA_DIRECTORY

MODERN = (DATA_DIRECTORY / "xml" / "modern.xml").read_text()
XML = """<domain type='kvm'><name>vm1</name><uuid>6f3b0a52-9c1d-4e37-8a55-0123456789ab</uuid>
<vcpu>2</vcpu><devices>
<disk type='file' device='disk'><source file='/a.qcow2'/><target dev='vda' bus='virtio'/></disk>
<disk type='block' device='disk'><source dev='/dev/b'/><target dev='vdb' bus='virtio'/>
  <serial>SN-1</serial></disk>
<disk type='network' device='disk'><source protocol='rbd' name='x'/><target dev='vdc'/></disk>
<disk type='file' device='disk'><source file='/s'/><target dev='vdd'/><shareable/></disk>
<disk type='file' device='cdrom'><source file='/c.iso'/><target dev='sda'/><readonly/></disk>
<disk type='file' device='cdrom'><target dev='sdb'/><readonly/></disk>
<interface type='network'><mac address='52:54:00:aa:bb:01'/><source network='a'/></interface>
<graphics type='vnc' listen='10.0.0.1' passwd='hunter2'/>
</devices></domain>"""
DISKLESS = "<domain><name>vm1</name><devices/></domain>"
BETA = Destination("beta", "qemu+ssh://root@beta/system", "beta.example.com")
LIVE, P2P, PERSIST, UNDEFINE = 1, 2, 8, 16
BASE = LIVE | P2P | PERSIST | UNDEFINE
HOSTILE = "foo/?com=/bin/sh"


def planned(
    *,
    xml=XML,
    inactive=None,
    state=InstanceState.RUNNING,
    reason="",
    persistent=True,
    to=BETA,
    **options,
):
    instance = replace(
        read_instance(xml, "alpha"), state=state, reason=reason, persistent=persistent
    )
    options.setdefault("policy", "manual")
    request = Migrate(ObjectKey("instance", "alpha", instance.uuid), to=to.name, **options)
    return plan(
        request,
        xml=xml,
        inactive_xml=xml if inactive is None else inactive,
        instance=instance,
        destination=to,
        source_uri="qemu+ssh://alpha/system",
    )


def noted(made, words):
    return any(words in note for note in made.notes)


# flags


def test_the_bits_are_libvirts():
    """The header's numbers, in its order: the names of bits 0 to 20."""
    assert [flag.value for flag in MigrateFlag] == [1 << bit for bit in range(21)]
    assert flag_names(27) == ("LIVE", "PEER2PEER", "PERSIST_DEST", "UNDEFINE_SOURCE")
    assert set(VIRSH_FLAGS) == set(MigrateFlag)


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        ({}, BASE),
        ({"persist": False}, LIVE | P2P),
        ({"undefine": False}, LIVE | P2P | PERSIST),
        ({"tunnelled": True}, BASE | MigrateFlag.TUNNELLED),
        ({"storage": "copy-all"}, BASE | MigrateFlag.NON_SHARED_DISK),
        ({"storage": "copy-incremental"}, BASE | MigrateFlag.NON_SHARED_INC),
        (
            {"storage": "copy-all", "synchronous_writes": True},
            BASE | MigrateFlag.NON_SHARED_DISK | MigrateFlag.NON_SHARED_SYNCHRONOUS_WRITES,
        ),
        ({"unsafe": True}, BASE | MigrateFlag.UNSAFE),
        ({"compression": ("xbzrle",)}, BASE | MigrateFlag.COMPRESSED),
        ({"auto_converge": True}, BASE | MigrateFlag.AUTO_CONVERGE),
        ({"post_copy": "allow"}, BASE | MigrateFlag.POSTCOPY),
        ({"post_copy": "at-once"}, BASE | MigrateFlag.POSTCOPY),
        ({"tls": True}, BASE | MigrateFlag.TLS),
        ({"parallel": 4}, BASE | MigrateFlag.PARALLEL),
        ({"parallel": 4, "zero_copy": True}, BASE | MigrateFlag.PARALLEL | MigrateFlag.ZEROCOPY),
    ],
    ids=str,
)
def test_the_flags_of_an_option(options, flags):
    made = planned(**options)
    assert made.flags == flags
    assert made.flag_names == flag_names(flags)


@pytest.mark.parametrize(
    ("policy", "post_copy", "asked", "on"),
    [
        ("adaptive", "never", None, True),
        ("adaptive", "allow", None, False),
        ("nova", "never", None, False),
        ("manual", "never", None, False),
        ("adaptive", "never", False, False),
        ("nova", "never", True, True),
        ("nova", "allow", True, False),  # post-copy wins
        ("nova", "at-once", True, False),
    ],
)
def test_auto_converge(policy, post_copy, asked, on):
    made = planned(policy=policy, post_copy=post_copy, auto_converge=asked)
    assert made.auto_converge is on
    assert made.post_copy is (post_copy != "never")
    assert noted(made, "exclude each other") is (post_copy != "never" and bool(asked))


def test_a_guest_that_is_emulated_is_not_throttled_unless_it_is_asked_for():
    emulated = XML.replace("type='kvm'", "type='qemu'")
    assert planned(policy="adaptive").auto_converge
    assert not planned(policy="adaptive", xml=emulated).auto_converge
    assert planned(xml=emulated, auto_converge=True).auto_converge


def test_what_tunes_auto_converge_goes_with_it():
    tuning = {"auto_converge_initial": 20, "auto_converge_increment": 10}
    made = planned(auto_converge=True, **tuning)
    assert made.parameters["auto_converge.initial"] == 20
    assert made.parameters["auto_converge.increment"] == 10
    made = planned(post_copy="allow", **tuning)
    assert not any(name.startswith("auto_converge") for name in made.parameters)
    assert noted(made, "exclude each other")
    with pytest.raises(RefusedError, match="need auto-converge"):
        planned(**tuning)


def test_a_paused_instance_needs_no_post_copy():
    """Nova's bug 1671011."""
    made = planned(
        state=InstanceState.PAUSED, post_copy="allow", post_copy_bandwidth=10, policy="adaptive"
    )
    assert made.flags == BASE
    assert "bandwidth.postcopy" not in made.parameters
    assert noted(made, "Post-copy is left out")
    assert not planned(state=InstanceState.PAUSED, auto_converge=True).auto_converge


def test_what_newer_daemons_take():
    made = planned(storage="copy-all", detect_zeroes=True, switchover_bandwidth=900)
    assert made.parameters["bandwidth.avail.switchover"] == 900
    assert made.parameters["migrate_disks_detect_zeroes"] == made.parameters["migrate_disks"]
    assert noted(made, "must read as zeros")
    words = shlex.split(made.virsh)
    assert words[words.index("--available-switchover-bandwidth") + 1] == "900"
    assert "--migrate-disks-detect-zeroes" in words
    plain = planned(storage="copy-all")
    assert not set(PARAMETERS_SINCE) & set(plain.parameters)
    assert planned(xml=DISKLESS, storage="copy-all", detect_zeroes=True).flags == BASE


@pytest.mark.parametrize("storage", ["copy-all", "copy-incremental"])
def test_an_empty_list_of_disks_drops_the_flag(storage):
    """libvirt would take an empty list for every disk."""
    options = {"disks_port": 49000} if storage == "copy-all" else {"disks_uri": "tcp://b"}
    made = planned(xml=DISKLESS, storage=storage, synchronous_writes=True, **options)
    assert made.flags == BASE
    assert made.disks == ()
    assert not {"migrate_disks", "disks_port", "disks_uri"} & set(made.parameters)
    assert noted(made, "No disk is left to be copied")


def test_a_definition_is_never_nowhere():
    made = planned(persist=False, undefine=True)
    assert not made.flags & UNDEFINE
    assert noted(made, "would be nowhere")
    assert planned(persist=False, undefine=True, persistent=False).flags & UNDEFINE


@pytest.mark.parametrize(
    ("options", "words"),
    [({"unsafe": True}, "will not look"), ({"parallel": 2, "post_copy": "allow"}, "before 10.1")],
)
def test_what_libvirt_takes_and_may_be_regretted_is_noted(options, words):
    assert noted(planned(**options), words)
    assert not noted(planned(), words)


# disks


@pytest.mark.parametrize(
    ("options", "disks"),
    [
        ({"storage": "shared"}, ()),
        ({"storage": "copy-all"}, ("vda", "vdb")),
        ({"storage": "copy-incremental", "disks": ("vdb",)}, ("vdb",)),
        ({"storage": "copy-all", "disks": ("vdc", "vda")}, ("vda", "vdc")),
        (
            {
                "storage": "copy-all",
                "rewrites": Rewrites(
                    volumes=(VolumeRewrite("SN-1", "<disk type='block'><source dev='/c'/></disk>"),)
                ),
            },
            ("vda",),
        ),
    ],
    ids=["shared", "by the rule", "chosen", "even of the network", "not what is connected there"],
)
def test_the_disks_that_are_copied(options, disks):
    made = planned(**options)
    assert made.disks == disks
    assert made.parameters.get("migrate_disks") == (list(disks) or None)


def test_every_disk_that_is_left_out_is_noted():
    made = planned(storage="copy-all")
    for words in ("vdc is not copied: its source is of type network", "vdd is", "sda is"):
        assert noted(made, words)
    assert not noted(made, "sdb")  # an empty drive


def test_disks_that_cannot_be_copied_are_all_named():
    with pytest.raises(RefusedError) as caught:
        planned(storage="copy-all", disks=("vdz", "sda", "sdb", "vdd", "vda"))
    for words in ("no disk 'vdz'", "it has vda, vdb", "sda cannot", "sdb cannot", "vdd cannot"):
        assert words in caught.value.message


# parameters


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({"bandwidth": 40}, "bandwidth", 40),
        ({"bandwidth": 0}, "bandwidth", None),
        ({"post_copy": "allow", "post_copy_bandwidth": 10}, "bandwidth.postcopy", 10),
        ({"parallel": 4}, "parallel.connections", 4),
        ({"compression": ("xbzrle", "mt")}, "compression", ["xbzrle", "mt"]),
        ({"tls": True, "tls_destination": "beta.tls"}, "tls.destination", "beta.tls"),
        ({"destination_name": "vm 2"}, "destination_name", "vm 2"),
        ({"listen_address": "[fd00::1]"}, "listen_address", "fd00::1"),
        ({"storage": "copy-all", "disks_uri": "tcp://b:1"}, "disks_uri", "tcp://b:1"),
        ({"storage": "copy-all", "disks_port": 49000}, "disks_port", 49000),
        ({"migrate_uri": "unix:///run/m.sock"}, "migrate_uri", "unix:///run/m.sock"),
        ({"migrate_uri": "rdma://10.0.0.2"}, "migrate_uri", "rdma://10.0.0.2"),
        ({"migrate_uri": "tcp://beta-mig:49152"}, "migrate_uri", "tcp://beta-mig:49152"),
        ({"migrate_uri": "10.0.0.2"}, "migrate_uri", "tcp://10.0.0.2"),
        ({"migrate_uri": "fd00::2"}, "migrate_uri", "tcp://[fd00::2]"),
        ({"migrate_uri": "tcp://[fd00::2]:1234"}, "migrate_uri", "tcp://[fd00::2]:1234"),
        ({}, "migrate_uri", None),
        ({}, "listen_address", None),
    ],
    ids=str,
)
def test_typed_parameters(options, name, value):
    assert planned(**options).parameters.get(name) == value


def test_the_persistent_xml_is_always_passed():
    """Nova's bug 1890501: what the destination changed was lost at the next start."""
    rewrites = Rewrites(graphics=(GraphicsListen("vnc", "10.0.0.2"),))
    made = planned(rewrites=rewrites)
    for name in ("destination_xml", "persistent_xml"):
        assert 'listen="10.0.0.2"' in made.parameters[name]
    assert "persistent_xml" not in planned(persist=False).parameters
    assert "<name>vm1" in planned().parameters["persistent_xml"]


def test_the_persistent_xml_is_that_of_the_next_start():
    """A device that was plugged in or out since is no reason to refuse."""
    inactive = DISKLESS.replace("<devices/>", "<title>next</title><devices/>")
    made = planned(
        inactive=inactive, rewrites=Rewrites(graphics=(GraphicsListen("vnc", "10.0.0.2"),))
    )
    assert "<title>next</title>" in made.parameters["persistent_xml"]
    assert "<title>" not in made.parameters["destination_xml"]


def test_a_transient_instance_becomes_persistent():
    made = planned(inactive="", persistent=False)
    assert made.parameters["persistent_xml"] == made.parameters["destination_xml"]
    assert noted(made, "transient")


def test_a_new_name_is_that_of_the_definition_too():
    made = planned(destination_name="vm2")
    assert "<name>vm2</name>" in made.parameters["persistent_xml"]
    assert "<name>vm1</name>" in made.parameters["destination_xml"]


def test_rewrites_that_find_nothing_are_refused():
    with pytest.raises(RefusedError, match="spice"):
        planned(rewrites=Rewrites(graphics=(GraphicsListen("spice", "10.0.0.2"),)))


def test_xml_that_is_none():
    with pytest.raises(XmlError):
        planned(inactive="<!DOCTYPE d><domain/>")


# offline


def test_offline_moves_a_definition():
    made = planned(
        state=InstanceState.SHUTOFF,
        offline=True,
        policy="adaptive",
        bandwidth=40,
        migrate_uri="tcp://b",
        listen_address="::",
        tls=True,
        tls_destination="b",
        compression=("xbzrle",),
    )
    assert made.flags == P2P | PERSIST | UNDEFINE | MigrateFlag.OFFLINE
    assert set(made.parameters) == {"destination_xml", "persistent_xml"}
    assert noted(made, "without the bandwidth, compression, TLS, the migration address")
    assert made.offline
    assert "the definition of vm1" in dry_run(made)


@pytest.mark.parametrize(
    ("state", "options", "words"),
    [
        (InstanceState.RUNNING, {"offline": True}, "is running"),
        (InstanceState.SHUTOFF, {}, "is shut off"),
        (InstanceState.SHUTOFF, {"offline": True, "persist": False}, "must be kept"),
        (InstanceState.SHUTOFF, {"offline": True, "post_copy": "allow"}, "post-copy"),
        (InstanceState.SHUTOFF, {"offline": True, "storage": "copy-all"}, "copied storage"),
        (InstanceState.SHUTOFF, {"offline": True, "tunnelled": True}, "no tunnel"),
    ],
)
def test_offline_and_the_rest(state, options, words):
    with pytest.raises(RefusedError, match=words):
        planned(state=state, **options)


def test_a_transient_instance_has_nothing_to_move_offline():
    with pytest.raises(RefusedError, match="is transient"):
        planned(state=InstanceState.SHUTOFF, offline=True, persistent=False)


# what libvirt would refuse


@pytest.mark.parametrize(
    "options",
    [
        {"tunnelled": True, "parallel": 2},
        {"tunnelled": True, "post_copy": "allow"},
        {"tunnelled": True, "tls": True},
        {"tunnelled": True, "storage": "copy-all"},
        {"tunnelled": True, "storage": "copy-all", "disks": ("vda",)},
        {"tunnelled": True, "migrate_uri": "tcp://b"},
        {"tunnelled": True, "listen_address": "::"},
        {"zero_copy": True},
        {"zero_copy": True, "parallel": 2, "tls": True},
        {"tls_destination": "b"},
        {"parallel": 2, "compression": ("xbzrle",)},
        {"parallel": 2, "compression": ("zlib", "zstd")},
        {"compression": ("zstd",)},
        {"compression": ("mt",), "post_copy": "allow"},
        {"post_copy_bandwidth": 10},
        {"auto_converge": False, "auto_converge_initial": 10},
        {"disks": ("vda",)},
        {"synchronous_writes": True},
        {"detect_zeroes": True},
        {"disks_uri": "tcp://b"},
        {"disks_port": 49000},
        {"storage": "copy-all", "disks_uri": "tcp://b", "disks_port": 49000},
    ],
    ids=str,
)
def test_contradictions_are_refused(options):
    with pytest.raises(RefusedError):
        planned(**options)


def test_a_tunnel_without_disks_to_copy_copies_none():
    made = planned(xml=DISKLESS, tunnelled=True, storage="copy-all")
    assert made.flags == BASE | MigrateFlag.TUNNELLED
    assert "migrate_disks" not in made.parameters
    assert "migrate_uri" not in made.parameters


def test_every_reason_comes_at_once():
    with pytest.raises(UsageError) as caught:
        planned(
            tunnelled=True,
            parallel=2,
            post_copy="allow",
            disks=("vdz",),
            bandwidth=-1,
            migrate_uri=HOSTILE,
            listen_address=HOSTILE,
            compression=("lzma",),
        )
    for words in (
        "parallel connections",
        "excludes post-copy",
        "no disk 'vdz'",
        "bandwidth",
        "The migration address",
        "The listen address",
        "lzma is none of",
    ):
        assert words in caught.value.message


@pytest.mark.parametrize(
    "options",
    [
        {"bandwidth": -1},
        {"bandwidth": 2**44},
        {"post_copy": "allow", "post_copy_bandwidth": -1},
        {"parallel": 0},
        {"parallel": 256},
        {"auto_converge": True, "auto_converge_initial": 100},
        {"auto_converge": True, "auto_converge_increment": 0},
        {"max_downtime": 0},
        {"storage": "copy-all", "disks_port": 70000},
        {"compression": ("lz4",)},
        {"compression": ("xbzrle", "xbzrle")},
        {"destination_name": "a/b"},
        {"destination_name": "a\nb"},
        {"destination_name": " "},
    ],
    ids=str,
)
def test_values_that_make_no_sense(options):
    with pytest.raises(UsageError):
        planned(**options)


# addresses

BAD_HOSTS = [
    HOSTILE,
    "a b",
    "a\n",
    "a;reboot",
    "$(x)",
    "-oProxyCommand=x",
    "-x",
    "ä",
    "a\x00",
    "[::1",
    "fe80::1%lo",
    "a:٣",
]


@pytest.mark.parametrize("host", BAD_HOSTS)
@pytest.mark.parametrize(
    "options",
    [
        lambda host: {"migrate_uri": host},
        lambda host: {"migrate_uri": f"tcp://{host}"},
        lambda host: {"listen_address": host},
        lambda host: {"tls": True, "tls_destination": host},
        lambda host: {"storage": "copy-all", "disks_uri": f"tcp://{host}"},
        lambda host: {"to": replaced(hostname=host)},
        lambda host: {"destination_uri": f"qemu+ssh://{host}/system"},
    ],
    ids=["migrate", "migrate uri", "listen", "certificate", "disks", "its own name", "daemon"],
)
def test_a_host_name_that_is_none_is_refused_before_any_call(host, options):
    """Nova's input of the same kind: `foo/?com=/bin/sh`."""
    with pytest.raises(UsageError) as caught:
        planned(**options(host))
    assert caught.value.message.isprintable()


def replaced(**fields):
    return Destination(
        **{
            "name": "beta",
            "uri": "qemu+ssh://root@beta/system",
            "hostname": "beta",
            "same_machine": False,
            **fields,
        }
    )


@pytest.mark.parametrize(
    "uri",
    [
        "qemu+ssh://beta/system?command=/bin/sh",
        "qemu+ext://beta/system",
        "qemu+ext://beta/system?command=/bin/sh",
        "qemu+ssh://root:secret@beta/system",
        "qemu+ssh://-lroot@beta/system",
        "qemu+ssh://beta:99999/system",
        "qemu+ssh://beta/etc/passwd",
        "qemu+ssh://beta/ system",
        "qemu:///system",
        "beta",
        "",
    ],
)
def test_destination_uris_that_are_refused(uri):
    destination = BETA if uri else replaced(uri="")
    with pytest.raises(UsageError) as caught:
        planned(to=destination, destination_uri=uri)
    assert "secret@" not in caught.value.message


@pytest.mark.parametrize(
    ("destination", "uri", "words"),
    [
        (BETA, "qemu+ssh://root@beta/system", ""),
        (
            replaced(uri="qemu+tls://[fd00::2]:16514/system"),
            "qemu+tls://[fd00::2]:16514/system",
            "",
        ),
        (
            replaced(uri="qemu+ssh://beta/system?keyfile=/home/me/k&no_tty=1&command=/usr/bin/s"),
            "qemu+ssh://beta/system?no_tty=1",
            "without keyfile, command",
        ),
        (
            replaced(uri="qemu:///system"),
            "qemu+ssh://beta/system",
            "cannot use",
        ),
        (
            replaced(uri="qemu+ssh://localhost:2222/session", hostname="fd00::5"),
            "qemu+ssh://[fd00::5]/session",
            "cannot use",
        ),
    ],
    ids=["as it is open", "IPv6", "without what is of this machine", "local", "port forwarding"],
)
def test_the_source_is_told_an_address_it_can_use(destination, uri, words):
    made = planned(to=destination)
    assert made.uri == uri
    assert bool(words) is bool(made.notes)
    assert noted(made, words) or not words


def test_a_destination_that_is_only_known_locally():
    with pytest.raises(UsageError, match="its own name is not known"):
        planned(to=replaced(uri="qemu:///system", hostname="localhost"))
    made = planned(
        to=replaced(uri="qemu:///system", hostname=""),
        destination_uri="qemu+ssh://beta/system",
    )
    assert made.uri == "qemu+ssh://beta/system"


def test_a_host_that_calls_itself_localhost_is_reached_by_its_address():
    made = planned(to=replaced(uri="qemu+ssh://[fd00::2]/system", hostname="localhost"))
    assert made.parameters["migrate_uri"] == "tcp://[fd00::2]"
    assert noted(made, "calls itself localhost")


BOX = Machine("box", links=("net_eth0_52_54_00_00_00_01",))
HERE = replace(BOX, local=True)
LAB = describe_destination("beta", "qemu+unix:///session?socket=/lab/beta/sock", HERE, HERE)


def test_two_hosts_on_one_machine():
    """Without an address libvirt refuses a name that is the loopback's (lab.md)."""
    made = planned(to=LAB)
    assert made.uri == "qemu+unix:///session?socket=/lab/beta/sock"
    assert made.parameters["migrate_uri"] == "tcp://127.0.0.1"
    assert made.parameters["listen_address"] == "127.0.0.1"
    assert noted(made, "on one machine")
    tunnelled = planned(to=LAB, tunnelled=True).parameters
    assert not {"migrate_uri", "listen_address"} & set(tunnelled)
    made = planned(to=LAB, migrate_uri="tcp://10.0.0.9:49152")
    assert made.parameters["migrate_uri"] == "tcp://10.0.0.9:49152"
    assert "listen_address" not in made.parameters


def test_two_hosts_on_one_machine_over_ssh():
    """A login from the machine to itself needs keys: the socket is there without."""
    uri = "qemu+ssh://localhost/session?socket=/lab/beta/sock&no_tty=1"
    to = describe_destination("beta", uri, BOX, BOX)
    assert planned(to=to).uri == "qemu+unix:///session?socket=/lab/beta/sock"


FORWARDED = ("qemu+tcp://127.0.0.1:16510/system", "qemu+unix:///system?socket=/tmp/fwd.sock")
"""Addresses of this machine that lead to another one: `ssh -L`."""


@pytest.mark.parametrize("uri", FORWARDED)
def test_a_forwarded_port_or_socket_is_another_machine(uri):
    made = planned(to=describe_destination("beta", uri, HERE, Machine("far")))
    assert made.uri == "qemu+ssh://far/system"
    assert "migrate_uri" not in made.parameters
    assert "listen_address" not in made.parameters


@pytest.mark.parametrize("uri", [*FORWARDED, "qemu+ssh://localhost:2222/system"])
def test_where_one_machine_cannot_be_told_the_operator_is_asked(uri):
    unsure = describe_destination("beta", uri, HERE, Machine("box"))
    with pytest.raises(UsageError, match="cannot be told") as caught:
        planned(to=unsure)
    assert "destination URI" in str(caught.value)
    assert "migration address" in str(caught.value)
    made = planned(to=unsure, destination_uri="qemu+tcp://10.0.0.2/system")
    assert made.uri == "qemu+tcp://10.0.0.2/system"
    assert "migrate_uri" not in made.parameters


def test_two_network_namespaces_of_one_kernel():
    """A socket leads from one to the other, the loopback does not (lab.md)."""
    alpha = replace(HERE, hostname="alpha", network="net:[1]")
    beta = replace(HERE, hostname="beta", network="net:[2]")
    made = planned(to=describe_destination("beta", LAB.uri, alpha, beta))
    assert made.uri == LAB.uri
    assert "migrate_uri" not in made.parameters


# the virsh line


def test_the_virsh_line_in_full():
    made = planned(
        storage="copy-incremental",
        disks=("vda", "vdb"),
        bandwidth=40,
        post_copy="at-once",
        post_copy_bandwidth=10,
        destination_name="it's vm2",
        migrate_uri="tcp://beta:1",
        listen_address="::",
    )
    words = shlex.split(made.virsh)
    assert words[:6] == [
        "virsh",
        "-c",
        "qemu+ssh://alpha/system",
        "migrate",
        "vm1",
        "qemu+ssh://root@beta/system",
    ]
    assert words[6:] == [
        *("--live", "--p2p", "--persistent", "--undefinesource", "--copy-storage-inc"),
        *("--postcopy", "--postcopy-after-precopy"),
        *("--persistent-xml", "vm1-persistent.xml"),
        *("--bandwidth", "40", "--postcopy-bandwidth", "10", "--dname", "it's vm2"),
        *("--migrate-disks", "vda,vdb"),
        *("--migrateuri", "tcp://beta:1", "--listen-address", "::"),
    ]


def test_the_virsh_line_names_a_file_only_for_xml_that_differs():
    assert "xml" not in planned().virsh
    words = shlex.split(planned(rewrites=Rewrites(drop_cpu_shares=True)).virsh)
    assert words[-4:] == ["--xml", "vm1.xml", "--persistent-xml", "vm1-persistent.xml"]


def test_a_plan_in_a_log_tells_no_secret():
    assert "hunter2" not in repr(planned())


@pytest.mark.parametrize(
    "name", ["-x", "12", "a;reboot", "$(reboot)", "../../etc/x", "a b", "ä\x1b", r"a\u200b"]
)
def test_the_virsh_line_is_safe_whatever_the_name(name):
    xml = XML
    instance = replace(read_instance(xml, "alpha"), name=name, state=InstanceState.RUNNING)
    rewrites = Rewrites(drop_cpu_shares=True)
    request = Migrate(instance.key, to="beta", policy="manual", rewrites=rewrites)
    made = plan(request, xml=xml, inactive_xml=xml, instance=instance, destination=BETA)
    words = shlex.split(made.virsh)
    assert words[:2] == ["virsh", "migrate"]
    assert words[2] == (instance.uuid if name in ("-x", "12", "ä\x1b", r"a\u200b") else name)
    assert "/" not in words[words.index("--xml") + 1]
    assert made.virsh.isprintable()


# resuming


def test_resuming_is_the_same_call_once_more():
    made = planned(post_copy="at-once", bandwidth=40)
    again = resume_plan(made)
    assert again.flags == made.flags | MigrateFlag.POSTCOPY_RESUME
    assert (again.uri, again.parameters) == (made.uri, made.parameters)
    words = shlex.split(again.virsh)
    assert words.count("--postcopy") == words.count("--postcopy-resume") == 1
    assert "--postcopy-after-precopy" not in words
    assert resume_plan(again) == again


@pytest.mark.parametrize("reason", ["post-copy", "post-copy failed"])
def test_resuming_of_a_plan_made_anew_is_the_same(reason):
    """The instance is paused by then, for which a plan drops post-copy: not for this reason."""
    options = {"post_copy": "allow", "post_copy_bandwidth": 10}
    first = planned(**options)
    made = planned(state=InstanceState.PAUSED, reason=reason, **options)
    assert resume_plan(made) == resume_plan(first)
    assert resume_plan(planned(state=InstanceState.PAUSED)).post_copy


# the dry run


def test_a_dry_run_says_everything_and_no_secret():
    made = planned(
        storage="copy-all",
        bandwidth=40,
        rewrites=Rewrites(
            graphics=(GraphicsListen("vnc", "10.0.0.2"),),
            interfaces=(InterfaceRewrite("52:54:00:aa:bb:01", bridge="br1"),),
        ),
    )
    text = dry_run(made)
    for words in (
        "Would migrate vm1 from alpha to beta.",
        "qemu+ssh://root@beta/system",
        "LIVE PEER2PEER PERSIST_DEST UNDEFINE_SOURCE NON_SHARED_DISK (91)",
        "bandwidth: 40 MiB/s",
        "disks copied    vda, vdb",
        "vdc is not copied",
        '-      <source network="a"/>',
        '+      <source bridge="br1"/>',
        "--- alpha/destination_xml",
        "+++ beta/persistent_xml",
        made.virsh,
    ):
        assert words in text
    assert "hunter2" in made.parameters["destination_xml"]  # the console's password arrives
    assert "hunter2" not in text


def test_a_dry_run_of_xml_that_stays():
    text = dry_run(planned())
    assert "running XML     as at the source" in text
    assert "persistent XML  as at the source" in text
    assert "disks copied    none" in text


# whatever is asked


def rarely(value, usual):
    return st.sampled_from([usual, usual, usual, value])


@st.composite
def options(draw):
    """Options that are well written, alone or together; few of them at once."""
    return {
        "state": draw(rarely(InstanceState.PAUSED, InstanceState.RUNNING)),
        "policy": draw(st.sampled_from(["adaptive", "manual"])),
        "post_copy": draw(st.sampled_from(["never", "allow", "at-once"])),
        "storage": draw(st.sampled_from(["shared", "copy-all", "copy-incremental"])),
        "auto_converge": draw(st.sampled_from([None, True, False])),
        "xml": draw(rarely(DISKLESS, XML)),
        "bandwidth": draw(st.one_of(st.none(), st.integers(0, 1000))),
        "parallel": draw(rarely(4, None)),
        "zero_copy": draw(rarely(True, False)),
        "compression": draw(rarely(("xbzrle",), ())),
        "tunnelled": draw(rarely(True, False)),
        "persist": draw(rarely(False, True)),
        "undefine": draw(rarely(False, True)),
        "tls": draw(rarely(True, False)),
        "to": draw(st.sampled_from([BETA, LAB])),
    }


@given(options())
def test_any_options_are_a_plan_libvirt_takes_or_a_refusal(asked):
    try:
        made = planned(**asked)
    except RefusedError as error:
        made, told = None, error.message
    if made is None:
        assert told.isprintable()
        return
    flags = MigrateFlag(made.flags)
    assert not (MigrateFlag.POSTCOPY in flags and flags & EXCLUDED_BY_POST_COPY)
    assert not (MigrateFlag.TUNNELLED in flags and flags & EXCLUDED_BY_TUNNEL)
    assert MigrateFlag.PARALLEL in flags or MigrateFlag.ZEROCOPY not in flags
    assert bool(made.disks) is bool(flags & COPIES) is ("migrate_disks" in made.parameters)
    assert ("persistent_xml" in made.parameters) is bool(flags & PERSIST)
    assert shlex.split(made.virsh)[0] == "virsh"
    assert dry_run(made).endswith(f"{made.virsh}\n")


@given(
    st.sampled_from(["migrate_uri", "listen_address", "destination_uri", "disks_uri"]),
    st.one_of(st.text(), st.text("a:/[]?=@-%. \n1", max_size=20)),
    st.sampled_from(["", "tcp://", "unix:///", "qemu+ssh://", "qemu+tcp://a/system?"]),
)
def test_no_text_gets_into_an_address_that_does_not_belong_there(name, text, before):
    given_text = before + text
    try:
        made = planned(storage="copy-all", **{name: given_text})
    except UsageError as error:
        made, told = None, error.message
    if made is None:
        assert told.isprintable()
        return
    assert made.uri.isprintable()
    assert "command=" not in made.uri
    for parameter in ("migrate_uri", "listen_address", "disks_uri"):
        value = made.parameters.get(parameter, "")
        assert value.isprintable()
        assert not set("?#@ %;&") & set(value)


EXCLUDED_BY_POST_COPY = MigrateFlag.AUTO_CONVERGE | MigrateFlag.TUNNELLED
EXCLUDED_BY_TUNNEL = (
    MigrateFlag.PARALLEL
    | MigrateFlag.TLS
    | MigrateFlag.NON_SHARED_DISK
    | MigrateFlag.NON_SHARED_INC
)
COPIES = MigrateFlag.NON_SHARED_DISK | MigrateFlag.NON_SHARED_INC
