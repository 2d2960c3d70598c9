"""What an operator can do: one declaration per verb, a family per file or folder. Pure."""
