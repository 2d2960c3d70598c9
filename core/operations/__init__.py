"""What an operator does: checked, journalled, carried out, verified."""
