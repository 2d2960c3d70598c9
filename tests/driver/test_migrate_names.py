"""Our table of libvirt's migration flags and parameters, against the binding's own."""

from __future__ import annotations

import libvirt
import pytest

from core.migration.plan.flags import PARAMETERS_SINCE, VIRSH_PARAMETERS, MigrateFlag


@pytest.mark.parametrize("flag", MigrateFlag, ids=lambda flag: flag.name)
def test_a_flag_is_libvirts(flag):
    assert flag.value == getattr(libvirt, f"VIR_MIGRATE_{flag.name}")


def test_the_parameters_are_libvirts():
    known = {
        getattr(libvirt, name) for name in dir(libvirt) if name.startswith("VIR_MIGRATE_PARAM_")
    }
    # A binding that was compiled against an older libvirt lacks what is newer.
    version = libvirt.getVersion()
    newer = {name for name, since in PARAMETERS_SINCE.items() if since > version}
    assert set(VIRSH_PARAMETERS) - newer <= known
