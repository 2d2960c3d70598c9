"""What helps after an upload that failed in its middle."""

from core.hypervisor.calls.volume_transfers import after_cut


def test_a_full_pool_needs_room_before_an_upload_is_made_again() -> None:
    full = "Unable to write /srv/small/a.raw: No space left on device"
    assert after_cut(full, "small").startswith("Free space in the pool small, then upload it again")
    assert after_cut("End of file while reading data", "small") == "Upload it again."
