"""Where in the image neurons look, read off the responses themselves: a start for readout positions.

V1 is a map of the visual field, so a neuron's receptive field follows from its place in cortex. A network
has to learn that map from gradients that see a few pixels far; starting it at a measured one saves most of
a short training. Measured is which part of the image drives a neuron when its local contrast rises, which
works for simple and complex cells alike; a robust plane through all neurons' centres averages the noise
out (as labs do that start readouts at measured receptive fields).

Letters: T trials, H x W image, N neurons.
"""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import HuberRegressor

from neurokit.errors import DataError

WIDTH = 2.5  # pixels, standard deviation of the window that contrast is taken in
SHARE = 0.6  # of the largest correlation; what lies below is no part of the field


def contrast_centers(
    images: Float[np.ndarray, "T H W"], responses: Float[np.ndarray, "T N"]
) -> Float[np.ndarray, "N 2"]:
    """Row and column (pixels) around which contrast goes with each neuron's response.

    The centre of mass of the correlation map where it is above `SHARE` of its maximum; NaN for a neuron
    whose responses are all the same or not finite. Raises DataError for fewer than three trials.
    """
    if len(images) < 3:
        raise DataError(f"{len(images)} trials tell nothing of receptive fields; give three or more.")
    window = (0, WIDTH, WIDTH)
    contrast = gaussian_filter((images - gaussian_filter(images, window)) ** 2, window)
    varies = np.isfinite(responses).all(axis=0) & (responses.max(axis=0) > responses.min(axis=0))
    driven = np.where(varies, responses, 0)
    maps = _standardised(contrast.reshape(len(images), -1)).T @ _standardised(driven) / len(images)
    strong = np.maximum(maps - SHARE * maps.max(axis=0), 0)  # HW N
    pixels = np.stack(np.meshgrid(*map(np.arange, images.shape[1:]), indexing="ij"), axis=-1).reshape(-1, 2)
    mass = strong.sum(axis=0)
    return (strong.T @ pixels) / np.where(mass > 0, mass, np.nan)[:, None]


def retinotopic_plane(
    coordinates: Float[np.ndarray, "N D"], centers: Float[np.ndarray, "N 2"]
) -> Float[np.ndarray, "N 2"]:
    """The centres that a plane over the first two cortical coordinates predicts, outliers tamed.

    Neurons whose centre is NaN get one too, but are left out of the fit. Raises DataError where fewer
    than three others remain.
    """
    known = np.isfinite(centers).all(axis=1)
    if known.sum() < 3:
        finding = f"Receptive fields of {known.sum()} of {len(known)} neurons could be measured"
        raise DataError(f"{finding}; give three or more whose responses vary, or start at random positions.")
    place = coordinates[:, :2] - coordinates[:, :2].mean(axis=0)
    place = place / np.abs(place).max().clip(1e-12)
    fitted = (HuberRegressor().fit(place[known], center[known]).predict(place) for center in centers.T)
    return np.stack(list(fitted), axis=1)


def _standardised(values: Float[np.ndarray, "T M"]) -> Float[np.ndarray, "T M"]:
    centred = values - values.mean(axis=0)
    return centred / np.sqrt((centred**2).mean(axis=0)).clip(1e-12)
