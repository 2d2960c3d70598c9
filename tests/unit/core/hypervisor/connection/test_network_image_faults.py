"""What QEMU says of images of the network, as QEMU 7.2 said it: one sentence, and its cure."""

from __future__ import annotations

import pytest

from core.hypervisor.calls.device_faults import told_of
from core.hypervisor.connection.network_image_faults import of_network_image

ATTACHING = "internal error: unable to execute QEMU command 'blockdev-add': "
STARTING = (
    'qemu-system-x86_64: -blockdev {"driver":"iscsi","portal":"127.0.0.1:43475",'
    '"target":"iqn.2026-11.org:two","lun":1,"transport":"tcp","node-name":"libvirt-1-storage"}: '
)
LUN = "iSCSI: Failed to connect to LUN : "
NOT_IN = f"{LUN}Failed to log in to target. Status: Authentication failure(513)"
NOBODY = (
    f"{LUN}iscsi_service failed with : iscsi_service_reconnect_if_loggedin. Can not reconnect "
    "right now.\n"
)


@pytest.mark.parametrize(
    ("qemu", "said"),
    [
        ("error connecting: Permission denied", "Ceph does not let that user in"),
        ("error connecting: Connection timed out", "None of the monitors of Ceph answered"),
        ("error opening pool vms: No such file or directory", "Ceph has no pool vms."),
        (
            "error reading header from a: No such file or directory",
            "Its pool of Ceph has no image a.",
        ),
        (
            "error opening pool vms: Operation not permitted",
            "Ceph does not let that user have vms.",
        ),
        (NOT_IN, "The iSCSI target does not let it in"),
        (
            f"{LUN}SENSE KEY:ILLEGAL_REQUEST(5) ASCQ:LOGICAL_UNIT_NOT_SUPPORTED(0x2500)",
            "The iSCSI target has no such LUN.",
        ),
        (
            f"{LUN}Failed to log in to target. Status: Target not found(515)",
            "The iSCSI portal has no such target.",
        ),
        (NOBODY, "Nobody answers at the iSCSI portal."),
        (
            "CURL: Error opening file: The requested URL returned error: 404",
            "The web server answers 404 where the image was to be.",
        ),
        (
            "CURL: Error opening file: Server does not support 'range' (byte ranges).",
            "The web server gives its files out as a whole only, and QEMU asks for parts.",
        ),
        (
            "CURL: Error opening file: Failed to connect to a port 1: Couldn't connect to server",
            "The image cannot be had from its web server: Failed to connect to a port 1: Couldn't",
        ),
        (
            "CURL: Error opening file: server certificate verification failed. CAfile: none CRLfile"
            ": none",
            "The host does not trust the certificate of the web server.",
        ),
        ("TLS negotiation required before option 7 (go)", "The NBD server gives nothing out"),
        ("Denied by server for option 5 (starttls)", "The NBD server has no TLS."),
        ("Requested export not available", "The NBD server has no such export."),
        ("The certificate hasn't got a known issuer", "Its host does not trust the certificate"),
        (
            "Certificate does not match the hostname 127.0.0.2",
            "The certificate of the NBD server is not of the name 127.0.0.2.",
        ),
        (
            "Failed to read option reply: Cannot read from TLS channel: Software caused connection "
            "abort",
            "The NBD server hangs up while TLS is agreed on",
        ),
        ("no host key was found in known_hosts", "The SSH server is not known to the account"),
        (
            "host key for this server not found, another type exists",
            "The SSH server has another key than",
        ),
        (
            "host key (ssh-ed25519 key with fingerprint SHA256:WuP9) does not match the one in "
            "known_hosts; this may be a possible attack",
            "The SSH server has another key than",
        ),
        (
            "failed to authenticate using publickey authentication and the identities held by your "
            "ssh-agent",
            "The SSH server does not let the account that QEMU runs as in.",
        ),
        (
            "failed to open remote file '/a/b.raw': SFTP server: No such file (libssh error code: "
            "1, sftp error code: 2)",
            "The SSH server has no /a/b.raw.",
        ),
        ("Failed to mount nfs share: nfs_service failed", "Nobody answers at the NFS server."),
        (
            "Failed to mount nfs share: mount_cb: RPC error: Mount failed with error "
            "MNT3ERR_ACCES(13) Permission denied(13)",
            "The NFS server does not let the host mount",
        ),
        (
            'Failed to open file : open call failed with "NFS: Lookup of /f.raw failed with '
            'NFS3ERR_NOENT(-2)"',
            "The NFS server has no such file.",
        ),
        (
            'Failed to open file : open call failed with "NFS: ACCESS denied. Required access r--. '
            'Allowed access ---"',
            "The NFS server does not let the account that QEMU runs as have the image.",
        ),
    ],
)
def test_what_qemu_says_is_told_with_its_cure(qemu: str, said: str) -> None:
    error = told_of(None, ATTACHING + qemu)  # type: ignore[arg-type]
    assert error is not None
    assert error.message.startswith(said)
    assert error.hint


@pytest.mark.parametrize(
    ("qemu", "said"),
    [
        (
            "Unable to access credentials /etc/pki/qemu/ca-cert.pem: No such file or directory",
            "Its host has no CA by which it knows servers of TLS",
        ),
        (
            "The certificate /etc/pki/qemu/ca-cert.pem basic constraints do not show a CA",
            "/etc/pki/qemu/ca-cert.pem of its host is the certificate of no CA.",
        ),
    ],
)
def test_a_ca_that_is_missing_or_none_is_told_by_its_path(qemu: str, said: str) -> None:
    told = of_network_image(f"internal error: unable to execute QEMU command 'object-add': {qemu}")
    assert told is not None
    assert told[0].startswith(said)


def test_a_certificate_of_a_migration_is_no_image_of_the_network() -> None:
    assert of_network_image("operation failed: The certificate hasn't got a known issuer") is None


def test_where_it_tells_the_options_of_a_lun_its_place_is_named() -> None:
    told = of_network_image(STARTING + NOBODY)
    assert told is not None
    assert told[0] == "Nobody answers at the iSCSI portal 127.0.0.1:43475."
    told = of_network_image(STARTING + NOT_IN)
    assert told is not None
    assert told[0].startswith("The iSCSI target iqn.2026-11.org:two does not let it in")


def test_what_is_of_no_image_of_the_network_is_left_to_others() -> None:
    assert of_network_image("cannot open file '/iscsi/web.qcow2': Permission denied") is None
