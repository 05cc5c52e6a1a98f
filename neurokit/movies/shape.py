"""How long a snippet is, and when its response is read."""

from neurokit.config import Config, Count, WholeNumber


class SnippetShape(Config):
    """What a model sees and what it predicts, in frames of the movie and samples of the microscope.

    Both come 30 times a second in the Allen recordings, and seconds below are theirs. The default looks back
    1.5 s, since the calcium of an earlier moment is seen for about a second.
    """

    length: Count = 16
    """Frames of a snippet."""
    stride: Count = 3
    """Frames from one of them to the next: 0.1 s."""
    before: WholeNumber = 3
    """Earlier frames, as far apart, that each is seen together with, for motion needs several: these reach
    back as far as a cell of V1 does."""
    lag: WholeNumber = 2
    """Samples from a snippet's last frame to the first of its target: calcium rises late."""
    window: Count = 3
    """Samples that the target, dF/F, is averaged over."""

    @property
    def span(self) -> int:
        """Frames from the first of a snippet to the last, both counted."""
        return (self.length + self.before - 1) * self.stride + 1

    @property
    def reach(self) -> int:
        """Frames after a snippet's last during which its response is still read."""
        return self.lag + self.window - 1
