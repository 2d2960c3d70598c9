"""What was asked for and what became of it: operations, and the calls they made."""
