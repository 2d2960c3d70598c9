"""Preflight: the instance itself, what is done to it now, and how it is to be moved. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.migration.preflight.case import (
    PreflightCase,
    Rule,
    SourceCase,
    SourceRule,
    blocker,
    ok,
    unknown,
    version,
    warning,
)
from core.model import AgentState, Finding, InstanceState, LinkStatus, MigrationStatus
from core.model.lists import listed, plural
from core.state.operations import block_jobs_in_words
from core.verbs.checks import wait_or_cancel
from core.verbs.kept_memory import stays

_STEADY = "Wait for the end of it, or end it."
_MOVES_TWICE = 10_000_000
"""The QEMU that moves a guest again which has not run since it came. Those before fail an assertion
(`bdrv_inactivate_recurse`): they let go of disks that they have not taken yet."""
_UNDER_WAY = (
    MigrationStatus.RUNNING,
    MigrationStatus.POST_COPY,
    MigrationStatus.POST_COPY_INTERRUPTED,
    MigrationStatus.COMPLETING,
    MigrationStatus.VERIFYING,
    MigrationStatus.UNKNOWN,
)


def check_known(case: PreflightCase) -> Iterator[Finding]:
    """There is such an instance."""
    host = case.state.hosts.get(case.request.subject.host)
    up = host is not None and host.link.status is LinkStatus.UP
    if up and case.request.subject not in case.state.instances:
        text = f"{case.source} has no such instance now."
        yield blocker("instance", text, "See `virtdeck instances`.", fixed=True)


def check_options(case: PreflightCase) -> Iterator[Finding]:
    """The options make sense, as the plan says."""
    for index, sentence in enumerate(case.facts.options):
        code = "options" if index == 0 else f"options-{index + 1}"
        yield blocker(code, sentence, "Choose other options.", fixed=True)


def check_operations(case: PreflightCase) -> Iterator[Finding]:
    """Nobody else works on it: operations of any console, migrations, libvirt's jobs."""
    subject = case.request.subject
    for record in case.state.operations.values():
        if record.subject == subject and not record.status.final:
            text = f"{record.verb} is {record.status.value} on {case.name} (by {record.author})."
            # a migration that looks again before it calls must not find itself in its own way
            say = warning if record.verb in ("migrate", "cold-migrate") else blocker
            yield say("operation", text, f"W{wait_or_cancel(record)[1:]}.")
    for migration in case.state.migrations.values():
        if migration.source_key == subject and migration.status in _UNDER_WAY:
            where = f" to {migration.to}" if migration.to else ""
            text = f"{case.name} is migrating already{where}."
            yield blocker("migrating", text, "Watch that migration, or abort it.", fixed=True)
    job = case.state.jobs.get(subject)
    if job is not None:
        what = f"{job.kind} of {job.detail}" if job.detail else job.kind
        yield blocker("job", f"libvirt is busy with {what} on {case.name}.", _STEADY)
    elif what := block_jobs_in_words(case.state, subject):
        yield blocker("job", f"libvirt is busy with {what} on {case.name}.", _STEADY)


def check_state(case: SourceCase) -> Iterator[Finding]:
    """It runs, or only its definition is to be moved."""
    instance = case.state.instances.get(case.request.subject)
    state = instance.state if instance is not None else InstanceState.UNKNOWN
    if case.here.active is None:
        yield unknown("state", "Whether it runs is not known.", side=case.here, look="state")
    elif case.request.offline and case.here.active:
        text = f"{case.name} runs: an offline migration moves only what is shut off."
        yield blocker("state", text, "Migrate it live.", fixed=True)
    elif not case.request.offline and not case.here.active:
        text = f"{case.name} is shut off: there is nothing to migrate live."
        yield blocker("state", text, "Start it, or move its definition (offline).", fixed=True)
    elif state is InstanceState.PAUSED:
        reason = f" ({instance.reason})" if instance is not None and instance.reason else ""
        yield _paused(case, reason)
    elif state is InstanceState.CRASHED:
        text = f"{case.name} has crashed; its remains would be moved."
        yield blocker("state", text, "Reset it, or stop it.")
    elif state is InstanceState.SHUTTING_DOWN:
        yield blocker("state", f"{case.name} is shutting down.", "Wait until it is off.")
    else:
        yield ok("state", f"{case.name} is {state.value}.")


def _paused(case: SourceCase, reason: str) -> Finding:
    if "I/O error" in reason:
        text = f"{case.name} is paused by an I/O error of its disks, and would be there too."
        return blocker("state", text, "Cure the disk (is it full?) and resume it.")
    if "post-copy" in reason:
        text = f"{case.name} is the source of a post-copy migration that is not over."
        return blocker("state", text, "Resume that migration; never resume the source.", fixed=True)
    text = f"{case.name} is paused{reason}, and will be paused there."
    if case.request.post_copy == "at-once":
        text += " Post-copy is of no use to it and left out."
    if 0 < (case.here.qemu or 0) < _MOVES_TWICE:
        text += (
            " If it came here paused and has not run since, QEMU "
            f"{version(case.here.qemu or 0)} ends over the move, and what is in its memory is lost."
        )
        return warning("state", text, "Resume it first, be it for a moment.")
    return warning("state", text, "Resume it first if it should run there.")


def _is_known_job(case: SourceCase) -> bool:
    """Whether what libvirt is busy with was told already."""
    subject = case.request.subject
    return subject in case.state.jobs or bool(block_jobs_in_words(case.state, subject))


def check_job(case: SourceCase) -> Iterator[Finding]:
    """libvirt itself does nothing on it now."""
    if case.here.job is None:
        if case.here.active:
            text = "Whether libvirt is busy with it is not known."
            yield unknown("job", text, side=case.here, look="job")
    elif case.here.job and not _is_known_job(case):
        text = f"libvirt is busy with {case.here.job} on {case.name}."
        yield blocker("job", text, _STEADY)
    elif not case.here.job:
        yield ok("job", "No job runs on it.")


def check_snapshots(case: SourceCase) -> Iterator[Finding]:
    """It has no snapshots (libvirt: "cannot migrate domain with N snapshots"), no checkpoints."""
    snapshots, checkpoints = case.here.snapshots, case.here.checkpoints
    if snapshots is None:
        text = "Whether it has snapshots is not known."
        yield unknown("snapshots", text, side=case.here, look="snapshots")
    elif snapshots:
        yield blocker(
            "snapshots",
            f"{case.name} has {plural(snapshots, 'snapshot')}: libvirt migrates none with any.",
            "Delete them, or only what libvirt knows of them: virsh snapshot-delete --metadata.",
        )
    else:
        yield ok("snapshots", "It has no snapshots.")
    if checkpoints:
        yield warning(
            "checkpoints",
            f"{case.name} has {plural(checkpoints, 'checkpoint')}, left behind: the next backup"
            " there must be a full one.",
            "Back it up before, or plan a full backup.",
        )


def check_definition(case: SourceCase) -> Iterator[Finding]:
    """What becomes of its definition, its autostart and its saved image."""
    here, request = case.here, case.request
    if here.persistent is None:
        text = "Whether its definition is kept is not known."
        yield unknown("persistent", text, side=here, look="persistent")
    elif here.persistent and not request.persist:
        yield warning(
            "persistent",
            f"{case.name} will be transient at the destination: gone for good once it stops.",
            "Keep its definition there (persist).",
        )
    if here.persistent and not request.undefine:
        yield warning(
            "persistent",
            f"A definition of {case.name} stays on {case.source}: started there as well, it would "
            "write to the same disks.",
            "Undefine it at the source.",
        )
    if here.autostart and request.persist:
        text = "It starts with its host: libvirt does not carry that over, it is set afterwards."
        yield ok("autostart", text)
    elif here.autostart:
        text = "It starts with its host; what is transient there will not."
        yield warning("autostart", text, "Keep its definition there (persist).")
    if here.managed_save and not here.active:
        yield blocker(
            "managed-save",
            f"{case.name} has a saved memory image, which stays behind.",
            "Start it and migrate it live, or discard the image.",
        )


def check_agent(case: SourceCase) -> Iterator[Finding]:
    """The guest's agent, by which its arrival is verified."""
    agent = case.needs.instance.agent
    if not case.here.active:
        return
    if agent is AgentState.CONNECTED:
        yield ok("agent", "The guest's agent is connected; it is asked again after the move.")
    elif agent is AgentState.NONE:
        text = "It has no guest agent: that the guest itself is well there cannot be verified."
        yield warning("agent", text, "Add a channel and the agent.")
    else:
        text = "Its guest agent is not connected: the guest cannot be asked after the move."
        yield warning("agent", text, "Look at the agent inside the guest.")


def check_unmovable(case: SourceCase) -> Iterator[Finding]:
    """What libvirt and QEMU never migrate live."""
    needs = case.needs
    if not case.here.active:
        return
    if needs.invariant_tsc:
        yield blocker(
            "invtsc",
            "Its CPU has invtsc, which QEMU migrates only with a fixed TSC frequency.",
            "Give the frequency (<timer name='tsc' frequency='...'/>), or drop the feature.",
        )
    if needs.shared_memory:
        text = f"It shares memory with others ({listed(needs.shared_memory)})."
        yield blocker("shared-memory", text, "Detach these devices, or make it their master.")
    if needs.transient_disks:
        text = (
            f"Its disk {listed(needs.transient_disks)} is transient: libvirt does not migrate it."
        )
        yield blocker("transient-disk", text, "Shut it down and move its definition (offline).")
    for each in needs.file_systems:
        yield from _file_system(case, each)
    if needs.vdpa:
        yield blocker("vdpa", "It has a vDPA interface, which does not migrate.", "Detach it.")
    if needs.launch_security:
        text = f"Its memory is protected by {needs.launch_security}, which does not migrate."
        yield blocker("launch-security", text, "Shut it down and move its definition (offline).")
    if needs.redirected and case.request.post_copy != "never":
        text = "USB devices redirected to it are lost for a moment."
        yield warning("redirected", text)


def _file_system(case: SourceCase, written: str) -> Iterator[Finding]:
    driver, _, tag = written.partition(" ")
    if case.needs.instance.type == "lxc":
        text = f"Its file system at {tag} is on {case.source}: no container's moves with it."
        yield blocker("file-system", text, "Copy it there and define the container anew.")
    elif driver != "virtiofs":
        text = (
            f"A directory of {case.source} is shared with it by 9p ({tag}): that does not migrate."
        )
        yield blocker("file-system", text, "Unmount and detach it before.")
    elif stays(driver, case.here.libvirt or 0):
        text = f"It has a virtiofs share ({tag}), which libvirt before 10.6 does not migrate."
        yield blocker("file-system", text, "Unmount and detach it before.")
    else:
        text = f"Whether {tag} is the same share at the destination, and virtiofsd can move it"
        yield unknown("file-system", f"{text}, is not known.", "Share the directory to both hosts.")


RULES: tuple[Rule, ...] = (check_known, check_options, check_operations)
SOURCE_RULES: tuple[SourceRule, ...] = (
    check_state,
    check_job,
    check_snapshots,
    check_definition,
    check_agent,
    check_unmovable,
)
