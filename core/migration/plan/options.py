"""What the options of a migration say against each other, whatever the hosts can do. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from core.model import Finding, Level, Preflight
from core.verbs.migration.requests import Migrate

BY_CONNECTION = frozenset({"zlib", "zstd"})
"""Compression of parallel connections: libvirt takes it with them and only with them."""
ALONE = frozenset({"xbzrle", "mt"})
"""Compression that libvirt refuses with parallel connections."""


def contradictions(request: Migrate) -> tuple[str, ...]:
    """Return why the options make no sense together, a sentence each; empty: they do.

    nova-map 2.2; libvirt's flags TUNNELLED, PARALLEL, ZEROCOPY, OFFLINE; QEMU's capabilities
    multifd, zero-copy-send, auto-converge, postcopy-ram.
    """
    rules = (_convergence, _transport, _storage, _definition)
    return tuple(sentence for rule in rules for sentence in rule(request))


def _convergence(request: Migrate) -> Iterator[str]:
    if request.post_copy != "never" and request.auto_converge:
        yield "Post-copy excludes auto-converge: choose one of them."
    if request.post_copy == "never" and request.post_copy_bandwidth:
        yield "A post-copy bandwidth needs post-copy: allow it, or use it at once."
    if request.auto_converge is False and (
        request.auto_converge_initial or request.auto_converge_increment
    ):
        yield "The initial value and the increment of auto-converge need auto-converge."


def _transport(request: Migrate) -> Iterator[str]:
    compression = set(request.compression)
    if request.tunnelled:
        yield from _tunnelled(request)
    if request.zero_copy and not request.parallel:
        yield "Zero-copy works over parallel connections only: say how many."
    if request.zero_copy and (compression or request.tls):
        yield "Zero-copy excludes compression and TLS: both must touch what is sent."
    if request.tls_destination and not request.tls:
        yield "A name for the destination's certificate needs TLS."
    if compression & ALONE and request.parallel:
        yield f"Parallel connections exclude {', '.join(sorted(compression & ALONE))}."
    if compression & BY_CONNECTION and not request.parallel:
        names = ", ".join(sorted(compression & BY_CONNECTION))
        yield f"The compression {names} works over parallel connections only: say how many."


def _tunnelled(request: Migrate) -> Iterator[str]:
    excluded = {
        "TLS of QEMU's own (the tunnel has that of libvirt)": request.tls,
        "parallel connections": bool(request.parallel),
        "post-copy": request.post_copy != "never",
        "a migration address": bool(request.migrate_uri),
        "the choice of disks": bool(request.disks),
    }
    for what, asked in excluded.items():
        if asked:
            yield f"A tunnel through libvirt excludes {what}."


def _storage(request: Migrate) -> Iterator[str]:
    if request.storage == "shared":
        needing = {
            "Disks to copy are": bool(request.disks),
            "An address for the disks is": bool(request.disks_uri or request.disks_port),
            "Synchronous writes are": request.synchronous_writes,
            "A search for zeros is": request.detect_zeroes,
        }
        for what, asked in needing.items():
            if asked:
                yield f"{what} of no use with shared storage: say what is copied."
    if request.disks_uri.startswith("unix:") != request.migrate_uri.startswith("unix:") and (
        request.disks_uri and request.migrate_uri
    ):
        yield "The addresses for memory and disks must both be of the network, or both of sockets."


def _definition(request: Migrate) -> Iterator[str]:
    if not request.offline:
        return
    if not request.persist:
        yield "A definition that is moved must be kept at the destination."
    live: Mapping[str, Callable[[Migrate], bool]] = {
        "post-copy": lambda asked: asked.post_copy != "never",
        "auto-converge": lambda asked: bool(asked.auto_converge),
        "a max downtime": lambda asked: asked.max_downtime is not None,
        "a switchover bandwidth": lambda asked: asked.switchover_bandwidth is not None,
        "copied storage": lambda asked: asked.storage != "shared",
        "parallel connections": lambda asked: bool(asked.parallel),
    }
    for what, is_asked in live.items():
        if is_asked(request):
            yield f"An instance that is off has no use for {what}."


def standing(preflight: Preflight, overrides: tuple[str, ...]) -> tuple[Finding, ...]:
    """Return the blockers that nobody overrode, or can: with any of them it does not start."""
    return tuple(
        found for found in preflight.of(Level.BLOCKER) if found.fixed or found.id not in overrides
    )
