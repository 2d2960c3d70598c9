"""The state of the fleet: the store, and the pure decisions it and the screens are made of."""

from core.state.operations import activity
from core.state.store import Store
from core.state.tables import Limits

__all__ = ["Limits", "Store", "activity"]
