"""What is kept: the journal of operations, and tapes of what a host sent."""
