"""A simulated SENSORIUM 2022 scan: its trials and tiers, its files, and the truth that no reader opens.

`simulate_scan` draws one mouse at one session, and `write_scan` writes it into the very files of the
competition. Kinds: 'pretraining' (all responses, integer trial numbers), 'sensorium_plus' (test responses
withheld, hashed trial numbers) and 'sensorium' (behaviour withheld too). Withheld values are zero in the
files, as in the original.

The truth is what the scan was made of, and how well anybody could predict it. It lies in a file of its own,
for tests, for pictures beside a model's, and for the ceiling beside a score.

Letters: T trials, in the order of their files unless said otherwise, N neurons, I images.
"""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt8

from neurokit.config import Config, Several
from neurokit.errors import DataError, SettingsError
from neurokit.files.archives import read_npz
from neurokit.files.atomic import atomic_write
from neurokit.metrics import correlation
from neurokit.progress import progress
from neurokit.sensorium.files import SUFFIX, TIERS
from neurokit.sensorium.grid import shrink
from neurokit.sensorium.simulated_mouse import Cells, Mouse, MouseParameters
from neurokit.simulation.scenes import scenes

Given = Literal["image", "behaviour", "everything"]
Kind = Literal["pretraining", "sensorium", "sensorium_plus"]
KINDS: tuple[Kind, ...] = ("pretraining", "sensorium_plus", "sensorium")
AMPLITUDE = (8.0, 0.5)  # median of a neuron's response scale, and the spread of its log
WITHHELD = ("test", "final_test")
DATE = (1980, 1, 1, 0, 0, 0)  # of all members of a zip
MOST_BYTES_OF_TRUTH = 2**29
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error, SettingsError)


class ScanParameters(Config):
    """One scan, with images in random order; the same parameters give the same files."""

    mouse: MouseParameters = MouseParameters()
    """The mouse of the scan."""
    kind: Kind = "pretraining"
    """Which responses and behaviour are withheld; see the module."""
    train: Several = 1000
    """Training images, each shown once."""
    validation: Several = 120
    """Validation images, each shown once."""
    test_images: Several = 25
    """Test images, each shown `repeats` times; competition scans have as many for the final test."""
    repeats: Several = 8
    """How often each of them is shown."""

    @property
    def key(self) -> str:
        """animal-session-scan, as the competition names its scans."""
        return f"9{self.mouse.seed:04d}-{1 + KINDS.index(self.kind)}-1"

    @property
    def trials(self) -> int:
        """Trials of all tiers."""
        tests = 1 if self.kind == "pretraining" else 2
        return self.train + self.validation + tests * self.test_images * self.repeats


@dataclass(frozen=True, eq=False)
class ScanTruth:
    """What was planted in a simulated scan; responses and predictions on the raw scale.

    Attributes:
        parameters: of the simulation.
        cells: what each neuron looks for and where.
        tiers: train, validation, test or final_test, T.
        rank: place of each trial in time, T.
        responses: of all trials, also those that the scan withholds.
        rates: the mean response given everything, see `ceiling`.
        expected: the mean response given image, behaviour and eye.
        expected_from_image: the mean response given the image.
    """

    parameters: ScanParameters
    cells: Cells
    tiers: np.ndarray
    rank: Int[np.ndarray, "T"]
    responses: Float[np.ndarray, "T N"]
    rates: Float[np.ndarray, "T N"]
    expected: Float[np.ndarray, "T N"]
    expected_from_image: Float[np.ndarray, "T N"]

    def ceiling(
        self,
        given: Given,
        tier: str = "test",
        tiers: np.ndarray | None = None,
        unit_ids: Int[np.ndarray, "_"] | None = None,
    ) -> Float[np.ndarray, "_"]:
        """Correlation over a tier's trials of the responses with a truth-knowing prediction, per neuron.

        given   what is known beside the neurons' own properties:
                "image": the trial's image;
                "behaviour": behaviour and eye of the trial too, without the cameras' noise;
                "everything": also past responses, brain state and slow gain as they were. It bounds
                models that see past responses from above; the best filter over these would know less.

        `tiers` and `unit_ids`, if given, are those of a scan that leaves some trials or neurons out.

        The first two are averages over 64 draws of what is not known, which makes them slightly low.
        Measured with a mouse of 50 neurons, mean over 200 test trials: given behaviour 0.651 with 64
        draws and 0.650 with 256; given the image 0.471 with 64 and 0.475 with 256 (spread between
        repeats 0.010).

        Raises DataError for another word and for a tier without trials.
        """
        predictions = {
            "image": self.expected_from_image,
            "behaviour": self.expected,
            "everything": self.rates,
        }
        if given not in predictions or tier not in TIERS:
            words = f"{', '.join(predictions)}, and one of {', '.join(TIERS)}"
            raise DataError(f"No ceiling is known given {given!r} in tier {tier!r}: choose one of {words}.")
        chosen = (self.tiers if tiers is None else tiers) == tier
        found = correlation(self.responses[chosen], predictions[given][chosen])
        return found if unit_ids is None else found[np.isin(number_units(len(found)), unit_ids)]


@dataclass(frozen=True, eq=False)
class SimulatedScan(ScanTruth):
    """One scan as the simulation knows it: the truth, and what its files hold besides.

    Attributes:
        images: grey values, one for each distinct image.
        image: which image each trial showed.
        behaviour: pupil size, its change and running, as recorded.
        pupil_center: horizontal and vertical, as recorded.
    """

    images: UInt8[np.ndarray, "I 144 256"]
    image: Int[np.ndarray, "T"]
    behaviour: Float[np.ndarray, "T 3"]
    pupil_center: Float[np.ndarray, "T 2"]


def simulate_scan(parameters: ScanParameters) -> SimulatedScan:
    """Draws images, trials, the mouse and its responses; about ten seconds for 1,300 trials."""
    random = np.random.default_rng([parameters.mouse.seed, KINDS.index(parameters.kind), 2])
    image, tiers = _draw_trials(parameters, random)  # in time order from here
    images = np.concatenate([scenes(number, random) for number in _count_images(parameters).values()])
    seen = _standardise(images, image[tiers == "train"])[image]
    mouse = Mouse(parameters.mouse, len(image))
    stimulus = mouse.stimulus(seen)
    responses, terms = mouse.respond(stimulus)
    amplitude = AMPLITUDE[0] * np.exp(AMPLITUDE[1] * random.standard_normal(responses.shape[1]))
    rank = random.permutation(len(image))  # file i holds the trial at rank[i]
    known = mouse.expect(seen, random)
    unknown = mouse.expect(seen, random, behaviour_known=False)
    return SimulatedScan(
        parameters=parameters,
        cells=mouse.cells,
        images=images,
        image=image[rank],
        tiers=tiers[rank],
        rank=rank,
        responses=(amplitude * responses + 1e-9)[rank],  # real responses are never below that
        behaviour=mouse.brain.behaviour[rank],
        pupil_center=mouse.brain.pupil_center[rank],
        rates=(amplitude * mouse.rates(stimulus, terms))[rank],
        expected=(amplitude * known)[rank],
        expected_from_image=(amplitude * unknown)[rank],
    )


def _count_images(parameters: ScanParameters) -> dict[str, int]:
    """Distinct images of each tier; a tier's images come from canvases of their own."""
    test = {"test": parameters.test_images}
    if parameters.kind != "pretraining":
        test["final_test"] = parameters.test_images
    return {"train": parameters.train, "validation": parameters.validation, **test}


def _draw_trials(
    parameters: ScanParameters, random: np.random.Generator
) -> tuple[Int[np.ndarray, "T"], np.ndarray]:
    """Image and tier of each trial, in a random order of time."""
    numbers = _count_images(parameters)
    repeats = [parameters.repeats if "test" in tier else 1 for tier in numbers]
    of_image = np.repeat(repeats, list(numbers.values()))
    image = np.repeat(np.arange(len(of_image)), of_image)
    tier_of_image = np.repeat(list(numbers), list(numbers.values()))
    order = random.permutation(len(image))
    return image[order], tier_of_image[image[order]]


def _standardise(
    images: UInt8[np.ndarray, "I 144 256"], train: Int[np.ndarray, "M"]
) -> Float[np.ndarray, "I 36 64"]:
    """Images of training size, with mean and standard deviation of the training trials' pixels."""
    chosen = images[train]
    return (shrink(images.astype(np.float32)) - np.float32(chosen.mean())) / np.float32(chosen.std())


def scan_name(parameters: ScanParameters) -> str:
    """Name of the scan's folder, and without '.zip' of its archive."""
    return f"static{parameters.key}-{SUFFIX}"


def write_scan(scan: SimulatedScan, folder: str | Path) -> Path:
    """Writes `<name>.zip` into `folder`, completely or not at all; returns its path.

    The same scan makes the same bytes: its members all bear the same date.
    """
    name = scan_name(scan.parameters)
    path = Path(folder) / f"{name}.zip"
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        members = _list_arrays(scan)
        for member, array in progress(members.items(), desc=path.stem[:20], unit="file"):
            entry = zipfile.ZipInfo(f"{name}/{member}.npy", DATE)
            archive.writestr(entry, _to_npy(array), zipfile.ZIP_DEFLATED, compresslevel=1)
    return path


def _list_arrays(scan: SimulatedScan) -> dict[str, np.ndarray]:
    """Every member of the archive, in the order of the original."""
    images = {"images": [scan.images[image][None] for image in scan.image]}
    recorded: dict[str, Iterable[np.ndarray]] = {**_withhold(scan), **images}
    members = {f"data/{name}/{i}": each for name, values in recorded.items() for i, each in enumerate(values)}
    return members | _describe_scan(scan)


def _withhold(scan: SimulatedScan) -> dict[str, np.ndarray]:
    """Responses, behaviour and pupil centre, zero where this kind of scan withholds them."""
    responses = scan.responses.astype(np.float32)
    behaviour, pupil = scan.behaviour, scan.pupil_center
    if scan.parameters.kind != "pretraining":
        responses[np.isin(scan.tiers, WITHHELD)] = 0
    if scan.parameters.kind == "sensorium":
        behaviour, pupil = np.zeros_like(behaviour), np.zeros_like(pupil)
    return {"responses": responses, "behavior": behaviour, "pupil_center": pupil}


def _describe_scan(scan: SimulatedScan) -> dict[str, np.ndarray]:
    """What is known of neurons, trials and statistics."""
    neurons, trials = scan.responses.shape[1], len(scan.tiers)
    animal, session, number = (int(part) for part in scan.parameters.key.split("-"))
    meta = {
        "neurons/unit_ids": number_units(neurons),
        "neurons/cell_motor_coordinates": scan.cells.coordinates,
        "neurons/area": np.full(neurons, "V1"),
        "neurons/layer": np.full(neurons, "L2/3"),
        "neurons/animal_ids": np.full(neurons, animal),
        "neurons/sessions": np.full(neurons, session),
        "neurons/scan_idx": np.full(neurons, number),
        "trials/tiers": scan.tiers,
        "trials/frame_image_id": 1000 + scan.image,
        "trials/frame_image_class": np.full(trials, "simulated"),
        "trials/trial_idx": _name_trials(scan),
        "trials/frame_trial_ts": _stamp_trials(scan.rank),
    }
    return {f"meta/{name}": values for name, values in (meta | _compute_statistics(scan)).items()}


def number_units(neurons: int) -> Int[np.ndarray, "N"]:
    """The ids of a simulated scan's neurons, with gaps, as the original has them."""
    return 1 + np.arange(neurons) + np.arange(neurons) // 7


def _name_trials(scan: SimulatedScan) -> np.ndarray:
    if scan.parameters.kind == "pretraining":
        return scan.rank
    texts = (f"{scan.parameters.key}/{rank}" for rank in scan.rank)
    return np.array([hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in texts])


def _stamp_trials(rank: np.ndarray) -> np.ndarray:
    """One-second stamps of trials 0.9 s apart, so that some share a stamp, as in the original."""
    start = np.datetime64("2026-01-01T10:00:00")
    stamps = start + np.floor(0.9 * rank).astype("timedelta64[s]")
    return np.array([f"Timestamp('{str(stamp).replace('T', ' ')}')" for stamp in stamps])


def _compute_statistics(scan: SimulatedScan) -> dict[str, np.ndarray]:
    """Statistics of the training trials alone, so that they hold nothing of a test."""
    train = scan.tiers == "train"
    found: dict[str, np.ndarray] = {}
    pixels = scan.images[scan.image[train]].reshape(-1)
    values = {name: recorded[train] for name, recorded in _withhold(scan).items()} | {"images": pixels}
    for name, recorded in values.items():
        for statistic in ("mean", "std", "min", "max", "median"):
            figure = np.asarray(getattr(np, statistic)(recorded, axis=0))
            for group in ("all", "stimulus_Frame"):
                found[f"statistics/{name}/{group}/{statistic}"] = figure
    return found


def _to_npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def truth_path(scan: str | Path) -> Path:
    """Where the truth of the scan in a zip or folder lies."""
    return Path(scan).with_name(f"{Path(scan).stem}_truth.npz")


def write_truth(scan: SimulatedScan, path: str | Path) -> Path:
    """What was planted, and the responses and best predictions of every trial (raw scale), as npz."""
    arrays = {f"cell_{each.name}": getattr(scan.cells, each.name) for each in fields(Cells)}
    for name in ("responses", "rates", "expected", "expected_from_image"):
        arrays[name] = getattr(scan, name).astype(np.float32)
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        parameters = np.array(scan.parameters.to_json())
        np.savez_compressed(stream, parameters=parameters, rank=scan.rank, tiers=scan.tiers, **arrays)
    return Path(path)


def read_truth(path: str | Path) -> ScanTruth:
    """The truth in an npz; raises DataError where that is missing or damaged."""
    try:
        arrays = read_npz(path, MOST_BYTES_OF_TRUTH)
        cells = {each.name: arrays.pop(f"cell_{each.name}") for each in fields(Cells)}
        parameters = ScanParameters.from_json(str(arrays.pop("parameters")))
        return ScanTruth(parameters=parameters, cells=Cells(**cells), **arrays)
    except _DAMAGED as error:
        finding = f"{path} is not the truth of a simulated scan ({error})"
        raise DataError(f"{finding}: remove it and simulate the scan again.") from error
