"""A post-copy is not resumed where the destination's libvirt is known to die of it."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from console.cli.migration import refuse_crash
from console.screens.migrations.steer_questions import resume_dialog
from core.errors import RefusedError
from core.model import (
    Host,
    HostFacts,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    MigrationStatus,
    ObjectKey,
    State,
)
from core.state.resume_crash import crash_of, crashes
from core.verbs.migration.requests import ResumeMigration
from tests.unit.migration_builders import migration
from tests.verbs import check

FAILED = "post-copy failed"
SOURCE = ObjectKey("instance", "alpha", "u")


def state(source: str, destination: str, reason: str = FAILED) -> State:
    """Both hosts with a failed post-copy of `web`, by their libvirts' versions."""
    hosts = {
        name: Host(name, "", link=Link(LinkStatus.UP), facts=HostFacts(libvirt_version=version))
        for name, version in (("alpha", source), ("beta", destination))
    }
    instances = [
        Instance("alpha", "u", "web", InstanceState.PAUSED, reason=FAILED),
        Instance("beta", "u", "web", InstanceState.RUNNING, reason=reason),
    ]
    return State(
        hosts=MappingProxyType(hosts),
        instances=MappingProxyType({instance.key: instance for instance in instances}),
    )


@pytest.mark.parametrize(
    ("version", "dies"),
    [
        ("9.0.0", False),
        ("11.1.0", False),
        ("11.2.0", True),
        ("11.3.0", True),
        ("11.10.0", True),
        ("12.0.0", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_which_versions_die(version: str, dies: bool) -> None:
    assert crashes(version) is dies


def test_it_is_the_destination_that_dies() -> None:
    why, cure = crash_of(state("9.0.0", "11.3.0"), SOURCE)
    assert "libvirt 11.3.0 on beta is known to die" in why
    assert "Update libvirt on beta" in cure
    assert crash_of(state("11.3.0", "9.0.0"), SOURCE) == ("", "")
    assert crash_of(state("9.0.0", "11.3.0", reason="migrated"), SOURCE) == ("", "")


def test_only_its_name_or_uuid_resumes_it_all_the_same() -> None:
    bad = state("9.0.0", "11.3.0")
    assert "known to die" in " ".join(check(bad, ResumeMigration(SOURCE)))
    assert "known to die" in " ".join(check(bad, ResumeMigration(SOURCE, accept_crash="db")))
    for typed in ("web", "u"):
        assert check(bad, ResumeMigration(SOURCE, accept_crash=typed)) == ()
    assert check(state("9.0.0", "9.0.0"), ResumeMigration(SOURCE)) == ()


def test_the_command_names_what_overrides_it() -> None:
    bad = state("9.0.0", "11.3.0")
    with pytest.raises(RefusedError, match="known to die") as refused:
        refuse_crash(bad, ResumeMigration(SOURCE), "web")
    assert "--accept-crash web" in refused.value.hint
    refuse_crash(bad, ResumeMigration(SOURCE, accept_crash="web"), "web")
    refuse_crash(state("9.0.0", "9.0.0"), ResumeMigration(SOURCE), "web")


def test_the_screen_has_the_name_typed() -> None:
    row = migration(uuid=SOURCE.id, status=MigrationStatus.POST_COPY_FAILED, resumable=True)
    assert resume_dialog(state("9.0.0", "9.0.0"), row).may_say_yes()
    assert not resume_dialog(state("9.0.0", "11.3.0"), row).may_say_yes()
