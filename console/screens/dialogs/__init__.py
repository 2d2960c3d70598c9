"""Questions over a screen: they take every key until they are answered."""
