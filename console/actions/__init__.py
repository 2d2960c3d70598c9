"""What a key, the palette or a click can do, as data: the registry, the keymap, the menus."""
