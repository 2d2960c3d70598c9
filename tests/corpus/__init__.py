"""Foreign XML, libvirt's own test files above all, with a second reading beside ours."""
