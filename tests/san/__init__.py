"""A SAN of one's own: a Debian with a full kernel under QEMU that is target and initiator in one.

The initiators that os-brick drives are the kernel's (iSCSI, NVMe, NFS, device-mapper), which a
container and many a small virtual machine have not. So virtdeck's own connectors run by ssh in a
guest that has: `image` makes it once, `host` starts it, guest/ is what runs in it.
"""
