"""What QEMU says of images of web, NBD, SSH and NFS servers that it cannot open. Pure data.

In `core.hypervisor.connection.network_image_faults` as what is of block storage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from core.model.text import clean

FaultSentence = Callable[[re.Match[str]], tuple[str, str]]


def _always(text: str, cure: str) -> FaultSentence:
    return lambda _: (text, cure)


_ACCOUNT = "the account that QEMU runs as"
_DENIED = _always(
    f"The NFS server does not let {_ACCOUNT} have the image.",
    "Let that account read and write it there, or name another by <identity user='+UID' "
    "group='+GID'/> in its source (`virtdeck edit`).",
)
_OF_WEB: Sequence[tuple[str, FaultSentence]] = (
    (
        r"CURL: Error opening file: .*(?:does not match target host|no alternative certificate)",
        _always(
            "The certificate of the web server is of another name than it is asked by.",
            "Name it in the URL as its certificate does.",
        ),
    ),
    (
        r"CURL: Error opening file: (?:server certificate verification|SSL certificate problem)",
        _always(
            "The host does not trust the certificate of the web server.",
            "Have the host trust the CA that signed it: put its certificate below "
            "/usr/local/share/ca-certificates there, and run `update-ca-certificates` (Debian).",
        ),
    ),
    (
        r"CURL: .*returned error: (\d+)",
        lambda found: (
            f"The web server answers {found[1]} where the image was to be.",
            "See what it has there: `curl --head URL` on the host.",
        ),
    ),
    (
        r"does not support 'range'",
        _always(
            "The web server gives its files out as a whole only, and QEMU asks for parts.",
            "Take a server that answers ranges, or bring the image into a pool: `virtdeck volume "
            "upload`.",
        ),
    ),
    (
        r"CURL: Error opening file: (.*)",
        lambda found: (
            f"The image cannot be had from its web server: {clean(found[1].rstrip('.'))}.",
            "See whether the server runs, and whether the host reaches it and trusts it.",
        ),
    ),
)
_OF_NBD: Sequence[tuple[str, FaultSentence]] = (
    (
        r"Unable to access credentials (\S+/ca-cert\.pem)",
        lambda found: (
            f"Its host has no CA by which it knows servers of TLS: there is no {clean(found[1])}.",
            "Put the certificate of the CA there that signed the server's, readable for QEMU.",
        ),
    ),
    (
        r"certificate (\S+/ca-cert\.pem) basic constraints do not show a CA",
        lambda found: (
            f"{clean(found[1])} of its host is the certificate of no CA.",
            "Put the one there of the CA that signed the server's.",
        ),
    ),
    (
        r"blockdev.*The certificate (?:hasn't got a known issuer|is not trusted)",
        _always(
            "Its host does not trust the certificate of the NBD server.",
            "Put the certificate of the CA that signed it into ca-cert.pem of the host: below "
            "/etc/pki/qemu, or where qemu.conf says.",
        ),
    ),
    (
        r"blockdev.*Certificate does not match the hostname (\S+)",
        lambda found: (
            f"The certificate of the NBD server is not of the name {clean(found[1])}.",
            "Name it in the URL as its certificate does.",
        ),
    ),
    (
        r"TLS negotiation required before option",
        _always("The NBD server gives nothing out without TLS.", "Begin the URL with nbds://."),
    ),
    (
        r"Denied by server for option 5",
        _always(
            "The NBD server has no TLS.",
            "Give it a certificate; by nbd:// anybody on the way reads what is written.",
        ),
    ),
    (
        r"option reply: Cannot read from TLS channel",
        _always(
            "The NBD server hangs up while TLS is agreed on: it may ask who its host is.",
            "Put client-cert.pem and client-key.pem beside the host's ca-cert.pem.",
        ),
    ),
    (
        r"Requested export not available",
        _always(
            "The NBD server has no such export.", "See those it has: `qemu-nbd --list -b HOST`."
        ),
    ),
)
_OF_SSH: Sequence[tuple[str, FaultSentence]] = (
    (
        r"no host key was found in known_hosts",
        _always(
            f"The SSH server is not known to {_ACCOUNT}.",
            "Write its key into .ssh/known_hosts of that account's home, or for all accounts of "
            "the host into /etc/ssh/ssh_known_hosts: `ssh-keyscan -p PORT SERVER` prints it.",
        ),
    ),
    (
        r"does not match the one in known_hosts|host key for this server not found, another type",
        _always(
            f"The SSH server has another key than {_ACCOUNT} knows of it: it may be another.",
            "If its key was changed, write the new one into known_hosts on the host of QEMU.",
        ),
    ),
    (
        r"failed to authenticate using publickey",
        _always(
            f"The SSH server does not let {_ACCOUNT} in.",
            "QEMU logs in by a key in that account's own .ssh that asks for no passphrase: put its "
            "public half into authorized_keys of the account of that name on the server.",
        ),
    ),
    (
        r"failed to open remote file '(.*?)': SFTP server: No such file",
        lambda found: (
            f"The SSH server has no {clean(found[1])}.",
            "See what it has there: `sftp SERVER`; the path in the URL begins at its root.",
        ),
    ),
    (
        r"failed to open remote file '(.*?)': SFTP server: Permission denied",
        lambda found: (
            f"The SSH server does not let {_ACCOUNT} have {clean(found[1])}.",
            "Let the account of that name on the server read and write it.",
        ),
    ),
)
_OF_NFS: Sequence[tuple[str, FaultSentence]] = (
    (
        r"Failed to mount nfs share: nfs_service failed",
        _always(
            "Nobody answers at the NFS server.",
            "See from the host whether NFS version 3 and its mount service run there, for QEMU "
            "takes no other: `rpcinfo -p SERVER`.",
        ),
    ),
    (
        r"Failed to mount nfs share: .*MNT3ERR_(?:ACCES|NOENT|PERM)",
        _always(
            "The NFS server does not let the host mount the folder of the image.",
            "See what it gives out, and to whom: `showmount -e SERVER`. Where QEMU is not root "
            "its export must be `insecure`, for QEMU asks from a port above 1023.",
        ),
    ),
    (
        r'call failed with "NFS: .*NFS3ERR_NOENT',
        _always("The NFS server has no such file.", "See what it has in that folder."),
    ),
    (r'call failed with "NFS: (?:ACCESS denied|.*NFS3ERR_(?:ACCES|PERM))', _DENIED),
)
OF_SERVED: Sequence[tuple[str, FaultSentence]] = (*_OF_WEB, *_OF_NBD, *_OF_SSH, *_OF_NFS)
