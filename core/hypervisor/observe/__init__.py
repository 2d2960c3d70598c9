"""What is read of a host, and when: listings, descriptions, events, statistics."""
