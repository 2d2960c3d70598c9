"""A terminal in memory, for the consoles of guests: bytes in, styled lines out. No Textual.

It stands beside the widgets, not among them: the emulation, its answers and the keys are pure, are
tested and measured without a screen, and serve the command line too. `emulator` is the only module
that imports the emulation library (`avt`), so that another one can take its place.
"""
