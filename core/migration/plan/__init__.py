"""From a request to the call that migrates: options, addresses, disks, flags. Pure."""
