"""How long a snippet is, and when its response is read."""

from dataclasses import dataclass

from neurokit.errors import SettingsError


@dataclass(frozen=True)
class SnippetShape:
    """What a model sees and what it predicts, in frames of the movie and samples of the microscope.

    Both come 30 times a second in the Allen recordings, and seconds below are theirs. A snippet has `length`
    frames, `stride` apart: the default looks back 1.5 s, since the calcium of an
    earlier moment is seen for about a second. Each is seen together with `before` earlier ones, for motion
    needs several; at the default of 0.1 s apart these reach back as far as a cell of V1 does. The target
    is dF/F averaged over `window` samples, the first `lag` after the snippet's last frame: calcium rises
    late.
    """

    length: int = 16
    stride: int = 3
    before: int = 3
    lag: int = 2
    window: int = 3

    def __post_init__(self) -> None:
        """Raises SettingsError naming the number that no snippet can have."""
        for name, least in (("length", 1), ("stride", 1), ("before", 0), ("lag", 0), ("window", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise SettingsError(f"{name} is {value!r}; use a whole number of {least} or more.")

    @property
    def span(self) -> int:
        """Frames from the first of a snippet to the last, both counted."""
        return (self.length + self.before - 1) * self.stride + 1

    @property
    def reach(self) -> int:
        """Frames after a snippet's last during which its response is still read."""
        return self.lag + self.window - 1
