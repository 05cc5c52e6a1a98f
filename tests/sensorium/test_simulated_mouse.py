"""The simulated V1 mouse: what its images, cells and couplings are, and that each can be taken out."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from neurokit.metrics import correlation
from neurokit.sensorium.grid import shrink
from neurokit.sensorium.simulated_mouse import (
    BASE,
    JITTER,
    RETINOTOPY,
    Cells,
    Mouse,
    MouseParameters,
    Terms,
    draw_cells,
    image_drive,
    soft_rectify,
)
from neurokit.simulation import scenes
from neurokit.simulation.brain_state import draw_brain_state, draw_factors

TRIALS = 1500
NOTHING = MouseParameters(neurons=30, behaviour=0.0, history=0.0, state=0.0, gain=0.0, seed=4)
MECHANISMS = ("behaviour", "history", "state", "gain")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Natural-looking images, I x 144 x 256, of one canvas."""
    return scenes.scenes(60, np.random.default_rng(0))


# --- images


def spectral_slope(images: np.ndarray) -> float:
    """Slope of log power over log frequency (0.05 to 0.5 cycles per pixel) of I x 36 x 64 images."""
    pixels = images[:, :, :36] - images[:, :, :36].mean(axis=(1, 2), keepdims=True)
    window = np.hanning(36)[:, None] * np.hanning(36)
    power = (np.abs(np.fft.fft2(pixels * window)) ** 2).mean(axis=0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(36), np.fft.fftfreq(36)))
    edges = np.geomspace(0.05, 0.5, 7)
    rings = [(frequency >= low) & (frequency < high) for low, high in pairwise(edges)]
    logs = [(np.log(frequency[ring]).mean(), np.log(power[ring].mean())) for ring in rings]
    return np.polyfit(*np.transpose(logs), 1)[0]


def test_the_spectrum_falls_as_that_of_natural_images(images: np.ndarray) -> None:
    """Whose power falls with about the square of frequency; that of noise is flat."""
    assert -3 < spectral_slope(shrink(images.astype(float))) < -1.5
    noise = np.random.default_rng(0).integers(0, 256, images.shape, dtype=np.uint8)
    assert abs(spectral_slope(shrink(noise.astype(float)))) < 0.2


def test_each_call_draws_canvases_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A canvas is filled with its own number here: no two calls return the same number."""
    drawn: list[int] = []

    def canvas(side: int, random: np.random.Generator) -> np.ndarray:
        drawn.append(len(drawn))
        return np.full((side, side), drawn[-1], dtype=np.uint8)

    monkeypatch.setattr(scenes, "dead_leaves", canvas)
    random = np.random.default_rng(0)
    first, second = (set(np.unique(scenes.scenes(number, random))) for number in (130, 5))
    assert first == {0, 1} and second == {2}


def test_images_have_edges_of_all_orientations(images: np.ndarray) -> None:
    down, right = np.gradient(images[:, ::4, ::4].astype(float), axis=(1, 2))
    angles = np.arctan2(down, right)[np.hypot(down, right) > 20] % np.pi
    share = np.histogram(angles, 6, (0, np.pi))[0] / len(angles)
    assert share.min() > 0.5 / 6 and share.max() < 2 / 6


# --- cells


def left_over(places: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Standard deviation of the centres around the best affine function of the places."""
    ones = np.column_stack([places, np.ones(len(places))])
    return (centers - ones @ np.linalg.lstsq(ones, centers)[0]).std(axis=0)


def test_the_first_cortical_axis_leads_mostly_to_the_right_in_the_image() -> None:
    """The map is in pixels (x, y), centres are (row, column)."""
    cells = draw_cells(2000, 0.5, np.random.default_rng(0))
    ones = np.column_stack([cells.coordinates[:, :2], np.ones(2000)])
    fitted = np.linalg.lstsq(ones, cells.center)[0]
    np.testing.assert_allclose(fitted[:2, 1], RETINOTOPY[0], atol=5e-4)  # columns
    np.testing.assert_allclose(fitted[:2, 0], RETINOTOPY[1], atol=5e-4)  # rows
    np.testing.assert_allclose(fitted[2], [17.5, 31.5], atol=0.1)


def test_receptive_fields_lie_in_a_map() -> None:
    random = np.random.default_rng(0)
    cells = draw_cells(2000, 0.5, random)
    places = cells.coordinates[:, :2]
    np.testing.assert_allclose(left_over(places, cells.center), JITTER, rtol=0.1)
    shuffled = left_over(random.permutation(places), cells.center)
    np.testing.assert_allclose(shuffled, cells.center.std(axis=0), rtol=0.01)
    assert (shuffled > 5 * JITTER).all()


@pytest.fixture(scope="module")
def cells() -> Cells:
    """Forty cells, half of them complex, whose filters fit into the image whole."""
    drawn = draw_cells(200, 0.5, np.random.default_rng(2))
    middle = np.flatnonzero(
        (np.abs(drawn.center - [17.5, 31.5]) < [6, 12]).all(axis=1) & (drawn.frequency > 0.12)
    )
    kept = np.concatenate([middle[drawn.complex[middle] == kind][:20] for kind in (True, False)])
    assert len(kept) == 40
    return Cells(**{name: values[kept] for name, values in vars(drawn).items()})


@pytest.mark.parametrize("phase", [0.0, -np.pi / 2, 1.0])
def test_filters_ignore_luminance_and_have_one_norm(cells: Cells, phase: float) -> None:
    filters = cells.filters(phase)
    np.testing.assert_allclose(filters.sum(axis=(1, 2)), 0, atol=1e-9)
    np.testing.assert_allclose((filters**2).sum(axis=(1, 2)), 1)


def test_filters_lie_where_the_cells_say(cells: Cells) -> None:
    power = cells.filters() ** 2 + cells.filters(np.pi / 2) ** 2
    power /= power.sum(axis=(1, 2), keepdims=True)
    rows, columns = np.mgrid[:36, :64]
    found = np.stack([(power * each).sum(axis=(1, 2)) for each in (rows, columns)], axis=1)
    np.testing.assert_allclose(found, cells.center, atol=0.3)


def drives_of_gratings(cells: Cells, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Drive of cell n by its preferred grating and by the orthogonal one, at eight phases each."""
    angles = cells.orientation[n] + np.repeat([0, np.pi / 2], 8)
    phases = np.tile(np.arange(8) * np.pi / 4, 2)
    shown = scenes.gratings(angles, np.full(16, cells.frequency[n]), phases)
    preferred, orthogonal = image_drive(cells, shown, np.zeros((16, 2)))[:, n].reshape(2, 8)
    return preferred, orthogonal


def test_complex_cells_ignore_phase_and_simple_cells_do_not(cells: Cells) -> None:
    for n, is_complex in enumerate(cells.complex):
        preferred, orthogonal = drives_of_gratings(cells, n)
        modulation = (preferred.max() - preferred.min()) / preferred.mean()
        assert modulation < 0.2 if is_complex else modulation > 2
        assert orthogonal.max() < 0.2 * preferred.max()


def test_a_cell_that_no_image_excites_stays_silent(cells: Cells) -> None:
    """As happens to a simple cell among few images; its drive was 0 / 0 once."""
    simple = int(np.flatnonzero(~cells.complex)[0])
    images = np.tile(-cells.filters()[simple], (3, 1, 1))
    drive = image_drive(cells, images, np.zeros((3, 2)))
    assert np.isfinite(drive).all()
    assert (drive[:, simple] == 0).all() and drive.any()


def test_moving_the_eye_is_moving_the_image(cells: Cells, images: np.ndarray) -> None:
    seen = (images[:, ::4, ::4].astype(np.float32) - 128) / 64
    right, down = 3, -2
    eye = np.tile([float(right), float(down)], (len(seen), 1))
    padded = np.pad(seen, ((0, 0), (5, 5), (5, 5)), mode="edge")
    with_eye = image_drive(cells, seen, eye)

    def of_image(right: int, down: int) -> np.ndarray:
        moved = padded[:, 5 + down : 41 + down, 5 + right : 69 + right]
        return image_drive(cells, moved, np.zeros_like(eye))

    np.testing.assert_allclose(with_eye, of_image(right, down), atol=1e-4)
    for wrong in ((0, 0), (-right, -down), (down, right)):
        assert np.median(correlation(with_eye, of_image(*wrong))) < 0.8


# --- behaviour


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_pupils_have_one_unit_only_where_the_spread_is_zero(spread: float) -> None:
    """Line of pupil size over arousal in six mice: the same or different ones."""
    brains = [draw_brain_state(800, spread, np.random.default_rng(seed)) for seed in range(6)]
    slope, offset = np.transpose([np.polyfit(brain.arousal, brain.behaviour[:, 0], 1) for brain in brains])
    speed = np.array([np.polyfit(brain.running, brain.behaviour[:, 2], 1)[0] for brain in brains])
    for values in (slope, speed):
        ratio = values.max() / values.min()
        assert ratio > 1.2 if spread else ratio < 1.03
    assert np.ptp(offset) > 8 if spread else np.ptp(offset) < 1


def test_the_eye_camera_follows_the_eye() -> None:
    brain = draw_brain_state(800, 1.0, np.random.default_rng(0))
    assert left_over(brain.eye, brain.pupil_center).max() < 0.4  # camera pixels, of 2 or more a pixel
    late = np.roll(brain.eye, 100, axis=0)
    assert left_over(late, brain.pupil_center).min() > 1


# --- what else moves the neurons, one at a time


@cache
def session(parameters: MouseParameters) -> tuple[Mouse, np.ndarray, np.ndarray]:
    """A mouse that looks at noise, its responses, and these less what the image alone explains."""
    mouse = Mouse(parameters, TRIALS)
    images = np.random.default_rng(7).normal(size=(TRIALS, 36, 64)).astype(np.float32)
    responses, _ = mouse.respond(mouse.stimulus(images))
    drive = image_drive(mouse.cells, images, mouse.brain.eye)
    return mouse, responses, responses - soft_rectify(BASE + drive)


def effect(parameters: MouseParameters, mechanism: str, late: int = 0) -> float:
    """Correlation of the neurons with what drives them by the mechanism, the image's part taken off.

    `late` compares them with what was so many trials before, as a control.
    """
    mouse, responses, rest = session(parameters)
    driven_by = {
        "behaviour": mouse.brain.arousal[:, None],
        "history": np.roll(responses, 1, axis=0),
        "state": mouse.brain.factors.sum(axis=1, keepdims=True),
        "gain": mouse.brain.gain[:, None],
    }[mechanism]
    moved = np.roll(np.broadcast_to(driven_by, rest.shape), late, axis=0)
    return float(correlation(rest, moved).mean())


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_mechanism_shows_at_strength_one_and_only_then(mechanism: str) -> None:
    planted = NOTHING.replace(**{mechanism: 1.0})
    with_it, without, late = (
        effect(planted, mechanism),
        effect(NOTHING, mechanism),
        effect(planted, mechanism, late=700),
    )
    assert with_it > 0.08
    assert abs(without) < 0.02 and abs(late) < 0.4 * with_it


@pytest.mark.parametrize("mechanism", [each for each in MECHANISMS if each != "history"])
def test_a_mechanism_is_not_seen_where_another_is_planted(mechanism: str) -> None:
    """But all slow changes look like history: past responses tell of them."""
    for other in set(MECHANISMS) - {mechanism}:
        assert abs(effect(NOTHING.replace(**{other: 1.0}), mechanism)) < 0.06


def test_units_of_the_pupil_are_a_mechanism() -> None:
    """At strength 0 all mice have those of arousal, so a pupil means the same in all of them."""

    def disagreement(strength: float) -> float:
        """How far the mice's smallest pupils lie apart, in what one pupil varies by."""
        mice = (Mouse(MouseParameters(neurons=2, behaviour_scale=strength, seed=s), 400) for s in range(5))
        low, high = np.quantile([mouse.brain.behaviour[:, 0] for mouse in mice], (0.05, 0.95), axis=1)
        return float(np.ptp(low) / (high - low).mean())

    assert disagreement(0.0) < 0.2
    assert disagreement(1.0) > 0.5


def test_noise_grows_with_the_mean() -> None:
    """Poisson numbers of events of gamma-distributed size with shape 4: variance = 5/4 mean."""
    drive = np.linspace(0, 5, 30)
    responses, _ = Mouse(NOTHING, 4000).respond(np.tile(drive, (4000, 1)))
    mean, variance = responses.mean(axis=0), responses.var(axis=0)
    np.testing.assert_allclose(mean, soft_rectify(BASE + drive), rtol=0.1)
    np.testing.assert_allclose(variance / mean, 1.25, rtol=0.15)
    assert variance[-1] > 5 * variance[0]


@pytest.mark.parametrize("history", [0.0, 1.0])
def test_the_expected_response_is_the_mean_over_sessions(history: float) -> None:
    """Image, behaviour and eye stay; noise, order of trials and brain state are drawn anew."""
    trials, random = 150, np.random.default_rng(3)
    mouse = Mouse(MouseParameters(neurons=20, history=history, gain=0.0, seed=1), trials)
    images = random.normal(size=(trials, 36, 64)).astype(np.float32)
    expected, stimulus = mouse.expect(images, random), mouse.stimulus(images)
    mean = np.zeros_like(expected)
    for _ in range(60):
        order = random.permutation(trials)
        mouse.brain = replace(mouse.brain, factors=draw_factors(trials, random))
        mean[order] += mouse.respond(stimulus[order])[0] / 60
    assert np.median(correlation(mean, expected)) > 0.95
    assert expected.mean() == pytest.approx(mean.mean(), rel=0.03)
    nothing = Terms(0 * expected, np.ones((trials, 4)), np.zeros(trials))
    raised = expected.mean() / mouse.rates(stimulus, nothing).mean()
    assert raised > 1.07 if history else raised < 1.07


def test_what_the_draws_leave_over_has_no_memory() -> None:
    """Two ceilings of one session differ from trial to trial; the session itself drifts slowly."""
    trials = 300
    mouse = Mouse(MouseParameters(neurons=20, seed=1), trials)
    images = np.random.default_rng(3).normal(size=(trials, 36, 64)).astype(np.float32)
    one, other = (mouse.expect(images, np.random.default_rng(seed), draws=16) for seed in (0, 1))
    left = np.log(one.sum(axis=1) / other.sum(axis=1))
    assert left.std() > 0.01
    assert abs(memory(left)) < 0.2
    assert memory(mouse.brain.gain) > 0.8  # the control: what the session does


def memory(values: np.ndarray) -> float:
    """Correlation of neighbouring trials."""
    return float(np.corrcoef(values[1:], values[:-1])[0, 1])


def test_not_knowing_the_behaviour_is_averaging_over_it() -> None:
    """One image shown in all trials has one expected response only where behaviour is not known."""
    trials, random = 200, np.random.default_rng(3)
    mouse = Mouse(MouseParameters(neurons=20, gain=0.0, state=0.0, history=0.0, seed=1), trials)
    images = np.repeat(random.normal(size=(2, 36, 64)), [2, trials - 2], axis=0).astype(np.float32)
    known, unknown = (
        mouse.expect(images, random, behaviour_known=each, draws=30)[2:] for each in (True, False)
    )
    driven = known.mean(axis=0) > 0.5
    assert driven.sum() > 5
    assert np.median((unknown.std(axis=0) / known.std(axis=0))[driven]) < 0.3
    np.testing.assert_allclose(unknown.mean(axis=0)[driven], known.mean(axis=0)[driven], rtol=0.1)
