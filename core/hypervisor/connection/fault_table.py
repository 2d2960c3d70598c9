"""What libvirt, ssh and QEMU write of some failures, and what an operator should read.

libvirt tells most failures to connect by text only, with whatever ssh wrote in it, and a QEMU that
does not start with what QEMU wrote.
"""

from __future__ import annotations

from core.model.base import Value


class Rule(Value, frozen=True):
    """A failure to reach a host, told by its text. `{host}` and friends are filled in."""

    pattern: str
    message: str
    hint: str


# The first that matches counts. Texts of OpenSSH 7 to 10, GnuTLS and libvirt 6 to 12.
REACHING = (
    Rule(
        r"packet (?P<packet>\d+) bytes (received from \w+ )?too (large|small)",
        "{where} does not speak libvirt's protocol: what came instead looks like text{detail}.",
        "{banner_cure}",
    ),
    Rule(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed",
        "The host key of {target} is not the one ssh knows: the host was set up anew, or somebody "
        "is in between.",
        "Find out which before anything else; only then: ssh-keygen -R '{known_host}'.",
    ),
    Rule(
        r"Host key verification failed|No .* host key is known for",
        "ssh does not know the host key of {target}.",
        "Run `ssh {ssh_options}{target}` once by hand and compare the fingerprint with the host's.",
    ),
    Rule(
        r"Permission denied \((?P<detail>[^)]*)\)|Too many authentication failures",
        "ssh is not let in at {target}: no key of yours is accepted.",
        "Put your key there: ssh-copy-id {ssh_options}{target} (a key with a passphrase needs "
        "ssh-agent).",
    ),
    Rule(
        r"account is currently not available|This account is",
        "ssh lets {target} in, but the account there may not run commands.",
        "Use an account with a login shell, one that may use libvirt.",
    ),
    Rule(
        r"cannot execute binary (?P<detail>[^:]*)",
        "The program that is to make the connection cannot be run{detail}.",
        "Install it (for ssh: apt install openssh-client), or correct command= in the URI.",
    ),
    Rule(
        r"Could not resolve hostname|unable to resolve|Unable to resolve address|"
        r"Name or service not known|Temporary failure in name resolution|No address associated",
        "The name {hostname} cannot be resolved.",
        "Check its spelling, DNS and /etc/hosts.",
    ),
    Rule(
        r"No route to host|Network is unreachable",
        "There is no route to {hostname}.",
        "Check the network, and whether the host is switched on.",
    ),
    Rule(
        r"Connection timed out|Operation timed out|timed out while connecting",
        "{hostname} does not answer.",
        "Check whether the host is up and a firewall lets port {port} through.",
    ),
    Rule(
        r"(bind|connect) to .*Connection refused|ssh: connect to host .*Connection refused|"
        r"unable to connect to server at .*Connection refused",
        "{hostname} refuses connections on port {port}.",
        "{refused_cure}",
    ),
    Rule(
        r"sh: (line )?(\d+: )?\S+: not found|command not found|Unknown command",
        "{target} lacks the program that passes ssh's stream on to libvirt.",
        "Install libvirt there (virt-ssh-helper is in its daemon or client package), or netcat.",
    ),
    Rule(
        r"Failed to connect socket to '(?P<detail>[^']*)': (No such file|Connection refused)|"
        r"Failed to connect to socket.*(No such file|Connection refused)|"
        r"unix connect failed: (No such file|Connection refused)",
        "libvirt does not run on {where}: nothing listens at its socket{detail}.",
        "{start_cure}",
    ),
    Rule(
        r"Failed to connect socket to .*Permission denied|unix connect failed: Permission denied",
        "You may not use libvirt's socket on {where}.",
        "Add the user to the group there: sudo usermod -aG libvirt {user}, then log in again.",
    ),
    Rule(
        r"polkit|authentication unavailable|access denied by policy",
        "The policy (polkit) of {where} does not let you use libvirt.",
        "Add the user to the group libvirt there, or allow it org.libvirt.unix.manage.",
    ),
    Rule(
        r"Cannot read (CA |client |server )?(certificate|key)|\.pem'?: No such file|"
        r"Unable to (import|load|access|set) .*(certificate|key|credentials)",
        "A TLS certificate for {where} is missing or cannot be read: {text}",
        "libvirt wants cacert.pem in /etc/pki/CA, clientcert.pem in /etc/pki/libvirt and "
        "clientkey.pem in /etc/pki/libvirt/private, or all three in ?pkipath=DIR.",
    ),
    Rule(
        r"certificate|TLS handshake|gnutls",
        "TLS with {hostname} failed: {text}",
        "Check with virt-pki-validate that both sides have certificates of the same authority, "
        "made for this host name and not expired.",
    ),
    Rule(
        r"Missing authentication credentials",
        "{where} wants a user name and a password.",
        "Put them in ~/.config/libvirt/auth.conf (mode 0600); virtdeck never asks.",
    ),
    Rule(
        r"built without the|no connection driver available|hypervisor driver .* not available|"
        r"[Nn]o module|could not find capabilities",
        "The libvirt of {library} has no driver for {product}.",
        "{driver_cure}",
    ),
    Rule(
        r"vmrun utility is missing|/proc/vz does not exist",
        "{product} does not run on this machine, and its driver works only where it does.",
        "Open it on the machine that has it: {driver}+ssh://HOST/{path}.",
    ),
    Rule(
        r"Missing URI parameter|invalid URI|URI .*(is missing|has no)",
        "libvirt does not accept the URI of {where}: {text}",
        "Correct it; the form is driver+transport://user@host/path?parameter=value.",
    ),
)

# QEMU's image locking (since 2.10), as it starts and as it lets a guest run on; virtlockd, sanlock.
DISK_IN_USE = (
    r"Failed to (get|lock) .*?lock.*?using the image \[(?P<path>.*?)\]\?",
    r"Failed to get (shared )?\"(write|consistent read|resize)\" lock",
    r"Lockspace resource '(?P<path>[^']*)' is locked",
)
