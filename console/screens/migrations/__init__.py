"""The list of migrations, the cockpit of one, and what begins and steers them."""
