"""The state of the fleet: the store, and the pure decisions it and the screens are made of."""
