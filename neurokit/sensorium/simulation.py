"""A simulated SENSORIUM 2022 scan: trials, tiers, statistics, and the truth that no reader opens.

`simulate_scan` draws one mouse at one session; `neurokit.sensorium.simulated_files` writes it into the very
files of the competition. Kinds: 'pretraining' (all responses, integer trial numbers), 'sensorium_plus' (test
responses withheld, hashed trial numbers) and 'sensorium' (behaviour withheld too).

The truth is what the scan was made of, and how well anybody could predict it. It lies in a file of its own,
for tests, for pictures beside a model's, and for the ceiling beside a score.

Letters: T trials, in the order of their files unless said otherwise, N neurons.
"""

import json
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int, UInt8

from neurokit.config import Config, Several
from neurokit.errors import DataError
from neurokit.metrics import correlation
from neurokit.sensorium.files import TIERS
from neurokit.sensorium.simulated_mouse import Cells, Mouse, MouseParameters
from neurokit.simulation.scenes import scenes

Given = Literal["image", "behaviour", "everything"]
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)
Kind = Literal["pretraining", "sensorium", "sensorium_plus"]
KINDS: tuple[Kind, ...] = ("pretraining", "sensorium_plus", "sensorium")
AMPLITUDE = (8.0, 0.5)  # median of a neuron's response scale, and the spread of its log


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
    """The truth in an npz; raises DataError where that is missing or damaged."""
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


class ScanParameters(Config):
    """One scan, its images in random order; the same parameters give the same files."""

    mouse: MouseParameters = MouseParameters()
    """Whose scan it is."""
    kind: Kind = "pretraining"
    """Which responses and behaviour are withheld; see the module."""
    train: Several = 1000
    """Training images, each shown once."""
    validation: Several = 120
    """Validation images, each shown once."""
    test_images: Several = 25
    """Test images, each shown `repeats` times; competition scans have as many for the final test."""
    repeats: Several = 8
    """Times that each of them is shown."""

    @property
    def key(self) -> str:
        """animal-session-scan, as the competition names its scans."""
        return f"9{self.mouse.seed:04d}-{1 + KINDS.index(self.kind)}-1"

    @property
    def trials(self) -> int:
        """Trials of all tiers."""
        tests = 1 if self.kind == "pretraining" else 2
        return self.train + self.validation + tests * self.test_images * self.repeats


@dataclass(frozen=True)
class SimulatedScan:
    """One scan as the simulation knows it, trials in the order of their files.

    Attributes:
        images: 144 x 256 grey values, one for each distinct image.
        image: which image each trial showed.
        tiers: train, validation, test or final_test.
        rank: place of each trial in time.
        responses: as recorded, before anything is withheld.
        behaviour, pupil_center: as recorded.
        rates: the best prediction of somebody who knows all there is.
        expected: the best prediction given image, behaviour and eye.
        expected_from_image: the best prediction given the image.
    """

    parameters: ScanParameters
    mouse: Mouse
    images: UInt8[np.ndarray, "I 144 256"]
    image: Int[np.ndarray, "T"]
    tiers: np.ndarray
    rank: Int[np.ndarray, "T"]
    responses: Float[np.ndarray, "T N"]
    behaviour: Float[np.ndarray, "T 3"]
    pupil_center: Float[np.ndarray, "T 2"]
    rates: Float[np.ndarray, "T N"]
    expected: Float[np.ndarray, "T N"]
    expected_from_image: Float[np.ndarray, "T N"]


def simulate_scan(parameters: ScanParameters) -> SimulatedScan:
    """Draws images, trials, the mouse and its responses; about ten seconds for 1,300 trials."""
    random = np.random.default_rng([parameters.mouse.seed, KINDS.index(parameters.kind), 2])
    image, tiers = _trials(parameters, random)  # in time order from here
    images = np.concatenate([scenes(number, random) for number in _images_of_tiers(parameters).values()])
    seen = _standardised(images, image[tiers == "train"])[image]
    mouse = Mouse(parameters.mouse, len(image))
    stimulus = mouse.stimulus(seen)
    responses, terms = mouse.respond(stimulus)
    amplitude = AMPLITUDE[0] * np.exp(AMPLITUDE[1] * random.standard_normal(responses.shape[1]))
    rank = random.permutation(len(image))  # file i holds the trial at rank[i]
    known = mouse.expected(seen, random)
    unknown = mouse.expected(seen, random, behaviour_known=False)
    return SimulatedScan(
        parameters=parameters,
        mouse=mouse,
        images=images,
        image=image[rank],
        tiers=tiers[rank],
        rank=rank,
        responses=(amplitude * responses + 1e-9)[rank],  # the real files have such a floor
        behaviour=mouse.brain.behaviour[rank],
        pupil_center=mouse.brain.pupil_center[rank],
        rates=(amplitude * mouse.rates(stimulus, terms))[rank],
        expected=(amplitude * known)[rank],
        expected_from_image=(amplitude * unknown)[rank],
    )


def training_size(images: UInt8[np.ndarray, "I 144 256"]) -> Float[np.ndarray, "I 36 64"]:
    """Mean of the central 2 x 2 pixels of each 4 x 4 block, which bilinear rescaling by a quarter is."""
    blocks = images.reshape(len(images), 36, 4, 64, 4)[:, :, 1:3, :, 1:3]
    return blocks.mean(axis=(2, 4), dtype=np.float32)


def _images_of_tiers(parameters: ScanParameters) -> dict[str, int]:
    """Distinct images of each tier; a tier's images come from canvases of their own."""
    test = {"test": parameters.test_images}
    if parameters.kind != "pretraining":
        test["final_test"] = parameters.test_images
    return {"train": parameters.train, "validation": parameters.validation, **test}


def _trials(
    parameters: ScanParameters, random: np.random.Generator
) -> tuple[Int[np.ndarray, "T"], np.ndarray]:
    """Image and tier of each trial, in a random order of time."""
    numbers = _images_of_tiers(parameters)
    repeats = [parameters.repeats if "test" in tier else 1 for tier in numbers]
    of_image = np.repeat(repeats, list(numbers.values()))
    image = np.repeat(np.arange(len(of_image)), of_image)
    tier_of_image = np.repeat(list(numbers), list(numbers.values()))
    order = random.permutation(len(image))
    return image[order], tier_of_image[image[order]]


def _standardised(
    images: UInt8[np.ndarray, "I 144 256"], train: Int[np.ndarray, "M"]
) -> Float[np.ndarray, "I 36 64"]:
    """Images of training size, with mean and standard deviation of the training trials' pixels."""
    chosen = images[train]
    return (training_size(images) - np.float32(chosen.mean())) / np.float32(chosen.std())
