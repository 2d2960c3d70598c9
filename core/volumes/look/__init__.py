"""Looking whether the servers of network images answer, before QEMU waits for them."""
