"""The list of hosts, and the panel of the one under the cursor."""
