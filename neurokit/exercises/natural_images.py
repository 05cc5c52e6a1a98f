"""Exercises of lesson 06: what can be predicted of a neuron, and what it looks for."""

import numpy as np

from neurokit.exercises.checking import Exercise

REPEATS = np.random.default_rng(6).gamma(2.0, size=(4, 5, 3)) + np.arange(5)[:, None]  # R I N
IMAGE = np.arange(30.0).reshape(5, 6) ** 2 % 11
KERNEL = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0], [-2.0, 0.5, 0.0]])
PICTURE = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
SLOPE = np.array([[0.2, 0.1, -0.3], [0.4, 0.0, 0.2]])
UNSEEN = np.random.default_rng(60)  # inputs that no answer can hold by heart
OTHER_IMAGE, OTHER_KERNEL = UNSEEN.standard_normal((6, 9)), UNSEEN.standard_normal((3, 4))
OTHER_PICTURE, OTHER_SLOPE = UNSEEN.standard_normal((2, 4, 5))
NOISE = UNSEEN.standard_normal((3, 4, 6))  # R I N, without any signal: some shares are below zero


def _share(responses: np.ndarray, axis: int = 0, ddof: int = 1) -> np.ndarray:
    noise = responses.var(axis=axis, ddof=ddof).mean(axis=0)
    return np.asarray(1 - noise / responses.reshape(-1, responses.shape[-1]).var(axis=0, ddof=ddof))


def _share_of_means(responses: np.ndarray) -> np.ndarray:
    total = responses.reshape(-1, responses.shape[-1]).var(axis=0, ddof=1)
    return np.asarray(responses.mean(axis=0).var(axis=0, ddof=1) / total)


def _convolve(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.asarray((windows * kernel).sum(axis=(2, 3)))


def _pad(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return np.pad(image, [(size // 2, size // 2) for size in kernel.shape])


def _to_norm(image: np.ndarray, norm: float) -> np.ndarray:
    return np.asarray(norm * image / np.linalg.norm(image))


def _capped(image: np.ndarray, norm: float) -> np.ndarray:
    return np.asarray(image * min(1.0, norm / float(np.linalg.norm(image))))


def _step(image: np.ndarray, gradient: np.ndarray, length: float) -> np.ndarray:
    return np.asarray(image + _to_norm(gradient, length))


EXERCISES = {
    "06.explainable": Exercise(
        inputs=((REPEATS,), (REPEATS[:2, :4],), (NOISE,)),
        right=_share,
        wrong=(
            (
                lambda responses: _share(responses, axis=1),
                "that is the variance over images, which is what you want to keep; noise is what differs "
                "between repeats of one image, so take the variance over the first axis.",
            ),
            (
                lambda responses: 1 - _share(responses),
                "that is the share of the noise; the rest is explainable.",
            ),
            (
                lambda responses: _share(responses, ddof=0),
                "a variance over few repeats must be divided by their number minus one (`ddof=1`), "
                "or the noise looks smaller than it is.",
            ),
            (
                _share_of_means,
                "the mean over R repeats still holds one R-th of the noise, which you count as signal; "
                "measure the noise itself.",
            ),
            (
                lambda responses: np.clip(_share(responses), 0, 1),
                "you cut the share off at zero. An estimate may fall below it by chance; without those, the "
                "mean over neurons comes out too high.",
            ),
        ),
        praise="What differs between repeats of one image is noise; the rest is what images can explain.",
    ),
    "06.linear_on_complex": Exercise(
        choices=("better than simple cells", "as well as simple cells", "half as well", "not at all"),
        right="not at all",
        wrong=(
            (
                "better than simple cells",
                "a complex cell answers to more pictures, but a filter has only one sign for each pixel.",
            ),
            (
                "as well as simple cells",
                "one filter gives one sign to a pixel, and a complex cell likes bright and dark there.",
            ),
            (
                "half as well",
                "what a filter gains where the stripe is bright it loses where the same stripe is dark.",
            ),
        ),
        praise="Bright and dark cancel: no linear filter describes a complex cell, however long it learns.",
    ),
    "06.convolve": Exercise(
        inputs=((IMAGE, KERNEL), (IMAGE, KERNEL[:2, :2]), (OTHER_IMAGE, OTHER_KERNEL)),
        right=_convolve,
        wrong=(
            (
                lambda image, kernel: _convolve(image, kernel[::-1, ::-1]),
                "you flipped the kernel, as in mathematics; deep learning lays it on the image as it is.",
            ),
            (
                lambda image, kernel: _convolve(image, kernel.T),
                "the kernel is transposed: its rows lie along the columns of the image.",
            ),
            (
                lambda image, kernel: _convolve(image, kernel) / kernel.size,
                "that is the mean of the products; a filter's output is their sum.",
            ),
            (
                lambda image, kernel: _convolve(_pad(image, kernel), kernel),
                "you added a border of zeros; without padding the map is smaller than the image.",
            ),
        ),
        praise="One filter, laid on every place: a map of where the image looks like it.",
    ),
    "06.readout_position": Exercise(
        choices=("on the centre", "off by the same step for all", "half-way to the middle", "anywhere"),
        right="off by the same step for all",
        wrong=(
            (
                "on the centre",
                "that takes a parameter for a receptive field; another parameter adds to it, the shifter's "
                "offset.",
            ),
            (
                "half-way to the middle",
                "nothing pulls positions to the middle: the loss sees only where the neuron reads.",
            ),
            (
                "anywhere",
                "then no neuron could be predicted; positions are right relative to each other.",
            ),
        ),
        praise="Only the sum of position and shift meets the data, so each alone is free to drift.",
    ),
    "06.climb": Exercise(
        inputs=(
            (PICTURE, SLOPE, 0.5, 2.0),
            (OTHER_PICTURE, OTHER_SLOPE, 1.5, 3.0),
            (0.1 * OTHER_PICTURE, OTHER_SLOPE, 0.4, 5.0),  # fainter than it is to become
        ),
        right=lambda image, gradient, length, norm: _to_norm(_step(image, gradient, length), norm),
        wrong=(
            (
                lambda image, gradient, length, norm: _step(image, gradient, length),
                "the contrast has changed: every step would raise it, and any cell likes more contrast. "
                "Scale the image back to its norm.",
            ),
            (
                lambda image, gradient, length, norm: _to_norm(image + length * gradient, norm),
                "the gradient is not yet of length one, so a cell with a flat slope would hardly move.",
            ),
            (
                lambda image, gradient, length, norm: (
                    _step(image, gradient, length) * norm / np.abs(_step(image, gradient, length)).max()
                ),
                "that scales the largest pixel; the L2 norm is the root of the sum of squares.",
            ),
            (
                lambda image, gradient, length, norm: _to_norm(_step(image, -gradient, length), norm),
                "you went downhill, as in training; here the rate is to rise.",
            ),
            (
                lambda image, gradient, length, norm: _capped(_step(image, gradient, length), norm),
                "you scale an image down where it is too strong, but not up where it is too faint; scale it "
                "to the norm in either case.",
            ),
            (
                lambda image, gradient, length, norm: _to_norm(
                    _step(image, gradient, length), float(np.linalg.norm(image))
                ),
                "you scale back to the norm that the image had; scale to the one that is given, `norm`.",
            ),
            (
                lambda image, gradient, length, norm: _to_norm(_step(image, gradient, 1.0), norm),
                "your step has the length 1; it should have the length `length`.",
            ),
            (
                lambda image, gradient, length, norm: _to_norm(
                    image + length * gradient / (gradient**2).sum(), norm
                ),
                "you divided by the sum of squares; the length of the gradient is its root.",
            ),
            (
                lambda image, gradient, length, norm: _step(_to_norm(image, norm), gradient, length),
                "you scaled before the step, which then changes the contrast; step first, then scale.",
            ),
            (
                lambda image, gradient, length, norm: _to_norm(image + gradient, norm),
                "your step is the bare gradient; divide it by its norm, then multiply it by `length`.",
            ),
            (
                lambda image, gradient, length, norm: _to_norm(gradient, norm),
                "that is the gradient itself as an image; take one step from the image that you have.",
            ),
        ),
        praise="Uphill in shape, at the same contrast: a most exciting image needs no more.",
    ),
}
