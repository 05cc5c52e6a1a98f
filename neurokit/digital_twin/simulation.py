"""A simulated recording of a mouse that watches video, and how well anybody could predict it.

The recording is of the kind that MICrONS made of one mouse (two-photon, 30 Hz). `simulate_mouse` draws a
mouse (`neurokit.digital_twin.simulated_mouse`), natural videos of its own, each shown once, and videos that
are shown several times: natural ones and those of NEW_STIMULI. `neurokit.digital_twin.simulated_files`
writes it as a trial folder.

Ceilings follow from rates alone, without a drawn response. Activity is a mean that the simulation knows, plus
chance of known variance, so the correlations that the best predictions reach on average follow from variances
over frames. Single measurements scatter around them, since they have a finite number of frames.

Letters: T frames of a video, or of all videos end to end (t with those before the first), N cells, V videos
of a kind, R repeats, H x W pixels.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, UInt8
from pydantic import model_validator

from neurokit.config import Config, Fraction, NonNegative, Number, Seed, Several, WholeNumber
from neurokit.digital_twin.simulated_mouse import (
    Behaviour,
    Sight,
    VideoMouse,
    activity,
    adapt,
    chance_variance,
    draw_behaviour,
)
from neurokit.errors import SettingsError
from neurokit.progress import progress
from neurokit.simulation.movie_cells import draw_movie_cells
from neurokit.simulation.movies import FRAME_RATE
from neurokit.simulation.video_stimuli import NATURAL, NEW_STIMULI, draw_clip

VALIDATION = 0.1  # of the trials shown once
# Events per second: median over cells, and the spread of its log. With so few, ten repeats of a natural
# video have a median CC_max of about 0.8.
RATE = (0.45, 0.4)
OFFSET = (0.04, 0.08)  # rows and columns, heights: standard deviation of where a mouse's cells look together
PIXELS_PER_DEGREE = 1 / 64  # widths of the monitor
EYE_SPREAD = 0.2  # mice differ by up to this share in how far the eye carries receptive fields
PUPIL_REST = (4.0, 2.0)  # deg, standard deviation over mice of the pupil's mean position
RUNNING = 0.8  # of the log gain that cells of `movie_cells` have from rest to a fast run
AROUSAL = (0.0, 0.25)  # log gain for a pupil one standard deviation wider, lowest and highest
KINDS = (NATURAL, *NEW_STIMULI)
_PURPOSES = ("mouse", "validation", "training", *KINDS)  # each has random numbers of its own


@dataclass(frozen=True, eq=False)
class Ceilings:
    """Correlations, N each.

    Attributes:
        single_trial: of activity, frame by frame, with its mean given video and behaviour.
        repeat_mean: of both averaged over repeats.
        cc_max: the highest that activity averaged over repeats reaches with what all repeats share, as
            `neurokit.metrics.cc_max` estimates it. Behaviour counts as noise in it, so a prediction that
            knows the behaviour may come out above.
    """

    single_trial: Float[np.ndarray, "N"]
    repeat_mean: Float[np.ndarray, "N"]
    cc_max: Float[np.ndarray, "N"]


def ceilings(expected: Float[np.ndarray, "R T N"], chance: Float[np.ndarray, "R T N"]) -> Ceilings:
    """Ceilings from the mean and the variance of activity in two or more repeats."""
    repeats = len(expected)
    single, noise = expected.var(axis=(0, 1)), chance.mean(axis=(0, 1))
    known = expected.mean(axis=0).var(axis=0)
    mean = known + noise / repeats  # variance of the mean over repeats
    # Sahani and Linden (NIPS 15, 2003): the power that repeats share, where chance cancels.
    shared = (repeats**2 * known - expected.var(axis=1).sum(axis=0)) / (repeats * (repeats - 1))
    return Ceilings(
        single_trial=np.sqrt(single / (single + noise)),
        repeat_mean=np.sqrt(known / mean),
        cc_max=np.sqrt(np.maximum(shared, 0) / mean),
    )


class MouseParameters(Config):
    """One mouse and its recording; the same parameters give the same files."""

    seed: Seed = 0
    """Seed of all random numbers."""
    minutes: NonNegative = 10.0
    """All natural videos that are shown once, together, min."""
    cells: Several = 60
    """Number of cells."""
    height: Several = 36
    """Rows of the video, pixels."""
    width: Several = 64
    """Columns of the video, pixels."""
    clip_frames: Several = 300
    """Frames of a video, which a trial shows (30 Hz)."""
    test_clips: WholeNumber = 6
    """Natural videos that are shown `repeats` times each."""
    repeats: Several = 10
    """How often these and the new videos are shown."""
    new_clips: WholeNumber = 2
    """Clips of each new type of stimulus."""
    complex_fraction: Fraction = 0.5
    """Share of the cells that are complex."""
    eye: Number = 1.0
    """Strength with which the eye carries receptive fields; 0 for no effect, here and below."""
    running: Number = 1.0
    """Strength with which running acts on the cells."""
    arousal: Number = 1.0
    """Strength with which arousal acts on the cells."""

    @model_validator(mode="after")
    def _trials_are_enough(self) -> "MouseParameters":
        if self.trials < 2:
            raise SettingsError(
                f"minutes is {self.minutes:g}, which makes {self.trials} videos of {self.clip_frames} "
                "frames; use more, for at least 2."
            )
        return self

    @property
    def trials(self) -> int:
        """Clips shown once."""
        return round(60 * self.minutes * FRAME_RATE / self.clip_frames)

    @property
    def videos(self) -> dict[str, int]:
        """Clips of each kind that are shown several times."""
        return {kind: self.test_clips if kind == NATURAL else self.new_clips for kind in KINDS}

    def random(self, purpose: str, video: int = 0, presentation: int = 0) -> np.random.Generator:
        """Random numbers for the mouse, the split, a video, or (from 1 on) a presentation of one."""
        return np.random.default_rng([self.seed, 1 + _PURPOSES.index(purpose), video, presentation])


@dataclass(frozen=True, eq=False)
class Presentation:
    """A video that was shown once, and what was recorded.

    Attributes:
        activity: events per frame, as the microscope saw them.
        rates: expected events per second, from some frames before the first: what the microscope's first
            frames hold of the time before.
    """

    stimulus: UInt8[np.ndarray, "T H W"]
    behaviour: Behaviour
    activity: Float[np.ndarray, "T N"]
    rates: Float[np.ndarray, "t N"]

    @property
    def expected(self) -> Float[np.ndarray, "T N"]:
        """Mean of `activity` over chance."""
        return activity(self.rates / FRAME_RATE)


@dataclass(frozen=True, eq=False)
class SimulatedMouse:
    """A recording as the simulation knows it.

    Attributes:
        once: what was shown once, in order.
        fit: which of these are to be fitted; the others are for validation.
        repeated: for each of KINDS that was shown V videos, each with R presentations.
    """

    parameters: MouseParameters
    mouse: VideoMouse
    once: tuple[Presentation, ...]
    fit: Bool[np.ndarray, "trials"]
    repeated: dict[str, tuple[tuple[Presentation, ...], ...]]

    def ceilings(self, kind: str) -> Ceilings:
        """Of all videos of a kind, end to end."""
        videos = list(zip(*self.repeated[kind], strict=True))  # R times V presentations
        mean, chance = (
            np.stack([np.concatenate([measure(each) for each in repeat]) for repeat in videos])
            for measure in (lambda each: each.expected, lambda each: chance_variance(each.rates))
        )
        return ceilings(mean, chance)


def simulate_mouse(parameters: MouseParameters) -> SimulatedMouse:
    """Draws the mouse and its recording; about half a minute for the default, most of it for videos."""
    sight, arousal = _draw_mouse(parameters)
    number = range(parameters.trials)
    videos = [_draw_video(parameters, "training", i) for i in progress(number, desc="videos", unit="video")]
    randoms = [parameters.random("training", i, 1) for i in number]
    behaviours = [draw_behaviour(parameters.clip_frames, sight.rest, random) for random in randoms]
    fit = np.ones(parameters.trials, dtype=bool)
    validation = max(1, round(VALIDATION * parameters.trials))
    fit[parameters.random("validation").choice(parameters.trials, validation, replace=False)] = False
    fitted = np.flatnonzero(fit)
    adaptation = adapt(sight, [videos[i] for i in fitted], [behaviours[i] for i in fitted])
    mouse = VideoMouse(sight, arousal, adaptation)
    once = tuple(_present(mouse, videos[i], behaviours[i], randoms[i]) for i in number)
    repeated = {
        kind: tuple(_repeats(parameters, mouse, kind, video) for video in range(videos_of_kind))
        for kind, videos_of_kind in parameters.videos.items()
        if videos_of_kind
    }
    return SimulatedMouse(parameters, mouse, once, fit, repeated)


def _draw_mouse(parameters: MouseParameters) -> tuple[Sight, Float[np.ndarray, "N"]]:
    """Cells and eye, and how strongly the cells follow arousal."""
    random, height, width = parameters.random("mouse"), parameters.height, parameters.width
    number = parameters.cells
    cells = draw_movie_cells(
        number,
        height,
        width,
        random,
        complex_fraction=parameters.complex_fraction,
        running=RUNNING * parameters.running,
    )
    offset = height * np.array(OFFSET) * random.standard_normal(2)
    rate = RATE[0] * np.exp(RATE[1] * random.standard_normal(number))
    own = 1 + random.uniform(-EYE_SPREAD, EYE_SPREAD)
    sight = Sight(
        cells=replace(cells, center=cells.center + offset, rate=rate),
        height=height,
        width=width,
        pixels_per_degree=parameters.eye * own * PIXELS_PER_DEGREE * width,
        rest=np.array(PUPIL_REST) * random.standard_normal(2),
    )
    return sight, parameters.arousal * random.uniform(*AROUSAL, number)


def _draw_video(parameters: MouseParameters, purpose: str, video: int) -> UInt8[np.ndarray, "T H W"]:
    kind = NATURAL if purpose == "training" else purpose
    size = parameters.clip_frames, parameters.height, parameters.width
    return draw_clip(kind, *size, parameters.random(purpose, video))


def _repeats(
    parameters: MouseParameters, mouse: VideoMouse, kind: str, video: int
) -> tuple[Presentation, ...]:
    """A video as often as it is repeated, each time with behaviour and chance of its own."""
    stimulus, found = _draw_video(parameters, kind, video), []
    for repeat in range(parameters.repeats):
        random = parameters.random(kind, video, 1 + repeat)
        behaviour = draw_behaviour(parameters.clip_frames, mouse.sight.rest, random)
        found.append(_present(mouse, stimulus, behaviour, random))
    return tuple(found)


def _present(
    mouse: VideoMouse,
    stimulus: UInt8[np.ndarray, "T H W"],
    behaviour: Behaviour,
    random: np.random.Generator,
) -> Presentation:
    rates = mouse.recorded_rates(stimulus, behaviour)
    events = random.poisson(rates / FRAME_RATE).astype(float)
    return Presentation(stimulus, behaviour, activity(events), rates)
