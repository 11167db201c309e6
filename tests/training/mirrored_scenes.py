"""Scenes that may be mirrored, as photos may: the built-in digits may not."""


class Mirrored:
    """Scenes that may be mirrored, to see what becomes of their boxes."""

    def __init__(self, scenes):
        self._scenes = scenes
        self.flippable = True

    def __getattr__(self, name):
        return getattr(self._scenes, name)

    def __len__(self):
        return len(self._scenes)
