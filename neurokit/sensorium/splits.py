"""Which trials of an own recording train, validate and test, by the content of their images.

Images that are shown several times are the test, since only they tell how well a response can be predicted
at all. Everything is assigned by image, so that none is shown in two parts.

Letters: T trials in any order, I distinct images, N neurons.
"""

import numpy as np
from jaxtyping import Float, Int, Shaped

from neurokit.errors import DataError
from neurokit.sensorium.files import LEFT_OUT, TIERS

FEWEST_IMAGES = 10
VALIDATION, TEST = 0.1, 0.15  # of the images, where nothing else says so
MOST_REPEATED = 0.5  # of the trials; where repeats are more, the test is a part of them
FEWEST_REPEATED = 0.05  # of the trials; where repeats are fewer, images shown once join the test
NEARBY = 10  # trials on either side
MOST_UNITS = 300  # that drift is measured in
DRIFTS = 0.1  # correlation with responses nearby in time from which drift is said


def deal(image_ids: Int[np.ndarray, "T"], seed: int = 0) -> tuple[np.ndarray, str]:
    """The tier of each trial, T, and a sentence on how they were assigned; DataError for too few images."""
    images, place, shown = np.unique(image_ids, return_inverse=True, return_counts=True)
    if len(images) < FEWEST_IMAGES:
        different = (
            f"{len(images)} different images were" if len(images) > 1 else "one and the same image was"
        )
        raise DataError(
            f"{different} shown in {len(image_ids)} trials; a split by images takes "
            f"{FEWEST_IMAGES} or more, or `tiers` that say it."
        )
    order = np.random.default_rng([seed, len(images)]).permutation(len(images))
    test = _choose_test(order, shown)
    rest = order[~np.isin(order, test)]
    validation = rest[: max(2, round(VALIDATION * len(images)))]
    tier_of_image = np.full(len(images), "train", dtype="<U10")
    tier_of_image[test], tier_of_image[validation] = "test", "validation"
    again = int((shown[test] > 1).sum())
    return tier_of_image[place], (
        f"trials were assigned to parts by image, seed {seed}: of {len(images)} images {len(test)} test "
        f"({again} of them shown several times), {len(validation)} validate, the others train"
    )


def _choose_test(order: Int[np.ndarray, "I"], shown: Int[np.ndarray, "I"]) -> Int[np.ndarray, "_"]:
    """The images that test, of all in random `order`."""
    repeated = order[shown[order] > 1]
    share, number = shown[repeated].sum() / shown.sum(), max(2, round(TEST * len(shown)))
    if share > MOST_REPEATED:
        return repeated[:number]
    if share >= FEWEST_REPEATED and len(repeated) > 1:
        return repeated
    once = order[shown[order] == 1]
    return np.concatenate([repeated, once])[: max(number, len(repeated))]


def check_tiers(tiers: Shaped[np.ndarray, "T"]) -> np.ndarray:
    """The tiers as texts; DataError for words that name none, and where nothing trains."""
    words = tiers.astype("<U10")
    if unknown := sorted(set(tiers.astype(str).tolist()) - {*TIERS, LEFT_OUT}):
        raise DataError(f"tiers hold {unknown[0]!r}; use {', '.join(TIERS)}, or {LEFT_OUT}.")
    if "train" not in words:
        raise DataError(f"tiers name no train trials among {len(words)}; label some of them train.")
    return words


def add_validation(
    tiers: np.ndarray, image_ids: Int[np.ndarray, "T"], seed: int = 0
) -> tuple[np.ndarray, str]:
    """The tiers with some training images as validation where there are none, and a sentence on it or ''."""
    if "validation" in tiers:
        return tiers, ""
    train = np.unique(image_ids[tiers == "train"])
    if len(train) < FEWEST_IMAGES:
        raise DataError(
            f"tiers name no validation trials, and {len(train)} images train; label some validation."
        )
    chosen = np.random.default_rng([seed, len(train)]).permutation(train)[: round(VALIDATION * len(train))]
    dealt = np.where((tiers == "train") & np.isin(image_ids, chosen), "validation", tiers)
    return dealt, f"{len(chosen)} of {len(train)} training images validate (drawn by seed {seed})"


def slow_drift(responses: Float[np.ndarray, "T N"], rank: Int[np.ndarray, "T"]) -> float:
    """Correlation of responses with the mean of those nearby in time, whatever was shown; mean over neurons.

    0 where nothing drifts and images come in random order; trials with NaN are passed over. Of many units,
    some that are evenly spaced are taken.
    """
    some = responses[:, :: -(-responses.shape[1] // MOST_UNITS)]
    ordered = some[np.argsort(rank)].astype(float)
    ordered = ordered[np.isfinite(ordered).all(axis=1)]
    if len(ordered) <= 2 * NEARBY:
        return 0.0
    sums = np.concatenate([np.zeros((1, ordered.shape[1])), ordered.cumsum(axis=0)])
    width = 2 * NEARBY + 1
    middle = ordered[NEARBY:-NEARBY]
    nearby = sums[width:] - sums[:-width] - middle
    first, second = (values - values.mean(axis=0) for values in (middle, nearby))
    spread = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    varies = spread > 0
    return float(((first * second).sum(axis=0)[varies] / spread[varies]).mean()) if varies.any() else 0.0
