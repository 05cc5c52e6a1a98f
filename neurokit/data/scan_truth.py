"""What a simulated SENSORIUM scan was made of, and how well anybody could predict it.

No reader of scans opens this file: it is for tests, for pictures beside a model's, and for the
ceiling beside a score.

Letters: T trials in the order of the scan's files, N neurons.
"""

import json
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from neurokit.data.scan_trials import TIERS
from neurokit.errors import DataError
from neurokit.metrics import correlation
from neurokit.simulate.cells import Cells

Given = Literal["image", "behaviour", "everything"]
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class ScanTruth:
    """One simulated scan as its maker knows it; responses and predictions on the raw scale.

    Attributes:
        parameters: of the simulation, plain data.
        cells: what each neuron looks for and where.
        tiers: train, validation, test or final_test, T.
        rank: place of each trial in time, T.
        responses: of all trials, those that the scan withholds too.
        rates: the mean response given everything, see `ceiling`.
        expected: the mean response given image, behaviour and eye.
        expected_from_image: the mean response given the image.
    """

    parameters: dict
    cells: Cells
    tiers: np.ndarray
    rank: Int[np.ndarray, "T"]
    responses: Float[np.ndarray, "T N"]
    rates: Float[np.ndarray, "T N"]
    expected: Float[np.ndarray, "T N"]
    expected_from_image: Float[np.ndarray, "T N"]

    def ceiling(self, given: Given, tier: str = "test") -> Float[np.ndarray, "N"]:
        """Correlation over a tier's trials of the responses with a truth-knowing prediction, per neuron.

        given   what is known beside the neurons' own properties:
                "image": the trial's image;
                "behaviour": behaviour and eye of the trial too, without the cameras' noise;
                "everything": also past responses, brain state and slow gain as they were. It bounds
                models that see past responses from above; the best filter over these would know less.

        The first two are averages over 64 draws of what is not known, which makes them slightly low.
        Measured with a mouse of 50 neurons, mean over 200 test trials: given behaviour 0.651 with 64
        draws and 0.650 with 256; given the image 0.471 with 64 and 0.475 with 256 (spread between
        repeats 0.010).

        Raises DataError for another word and for a tier without trials.
        """
        predictions = dict(
            zip(get_args(Given), (self.expected_from_image, self.expected, self.rates), strict=True)
        )
        if given not in predictions or tier not in TIERS:
            words = f"{', '.join(predictions)}, and of {', '.join(TIERS)}"
            raise DataError(f"No ceiling is known given {given!r} in tier {tier!r}: choose of {words}.")
        chosen = self.tiers == tier
        return correlation(self.responses[chosen], predictions[given][chosen])


def read_truth(path: str | Path) -> ScanTruth:
    """The truth in a `truth.npz`; raises DataError where that is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        arrays["parameters"] = json.loads(str(arrays["parameters"]))
        cells = Cells(**{each.name: arrays[f"cell_{each.name}"] for each in fields(Cells)})
        return ScanTruth(cells=cells, **{name: arrays[name] for name in _PLAIN})
    except _DAMAGED as error:
        finding = f"{path} is not the truth of a simulated scan ({error})"
        raise DataError(f"{finding}: remove it and simulate the scan again.") from error


_PLAIN = tuple(each.name for each in fields(ScanTruth) if each.name != "cells")
