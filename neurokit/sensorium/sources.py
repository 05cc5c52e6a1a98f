"""SENSORIUM scans, whatever the source: simulated or the real downloads; and a simulated scan's truth.

`load_scans()` gives the same dataclass for both, so nothing after it knows who made the files. Simulated
scans are written once, each in a folder of its own under the data folder. `describe_scans` (what scans a
source has) and `write_simulated` (one more simulated) are behind `neurokit data` and `neurokit simulate`.

Letters: T trials of a scan in the order of its files, N neurons.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pandas as pd

from neurokit import settings
from neurokit.errors import DataError, SettingsError
from neurokit.files.atomic import write_output
from neurokit.files.cache import Read, read_or_write, simulated_folder
from neurokit.files.fetch import fetch
from neurokit.sensorium.files import TIERS, opened_scan
from neurokit.sensorium.recording import SCANS, Scan, load_scan
from neurokit.sensorium.simulated_files import scan_name, write_scan, write_truth
from neurokit.sensorium.simulated_mouse import MouseParameters
from neurokit.sensorium.simulation import Given, Kind, ScanParameters, ScanTruth, read_truth, simulate_scan

PRETRAINING = tuple(key for key, published in SCANS.items() if not published.track)
FULL = (*PRETRAINING, "27204-5-13")  # the other competition scan has no behaviour
DEMO: tuple[Kind, ...] = ("pretraining", "pretraining", "sensorium_plus")
DEMO_SIZE = {"train": 600, "validation": 80, "test_images": 20, "repeats": 8}  # a seventh of a real scan
TRUTH = "truth.npz"
MAKERS = (simulate_scan, write_scan, write_truth)
FEWEST = 20  # trials of a simulated scan: two images of each tier, those of the test shown eight times


def demo_parameters(seed: int = 0) -> tuple[ScanParameters, ...]:
    """The demo's three mice: two with all responses, one whose test responses are withheld."""
    return tuple(
        ScanParameters(mouse=MouseParameters(seed=10 * seed + number), kind=kind, **DEMO_SIZE)
        for number, kind in enumerate(DEMO)
    )


def load_scans(
    keys: Sequence[str] | None = None, *, source: settings.Source | None = None, seed: int = 0
) -> dict[str, Scan]:
    """Scans of a source (default: that of NEUROKIT_SOURCE) by their keys, in the order of `keys`.

    demo simulates the three mice of `seed` once and keeps their files; full downloads the published
    zips, by default the six that have behaviour, and may take any of the seven. Raises SettingsError
    for cutout and for an unknown source, DataError for a key that is not there or a damaged file, FetchError
    and DiskError.
    """
    source = settings.check_source(source)
    if source == "cutout":
        raise SettingsError(
            "The source 'cutout' has no small real SENSORIUM recording: set NEUROKIT_SOURCE to demo or full."
        )
    if source == "demo":
        simulated = {parameters.key: parameters for parameters in demo_parameters(seed)}
        return load_simulated([simulated[key] for key in _known(keys, simulated)])
    folder = settings.data_folder() / "sensorium2022"
    chosen = _known(keys, SCANS) if keys is not None else FULL
    return {key: load_scan(fetch(SCANS[key].archive, folder)) for key in chosen}


def simulated_scan(parameters: ScanParameters) -> Path:
    """The zip of a simulated scan, written on the first call (seconds), `truth.npz` beside it.

    A zip that was cut short or removed is written anew. Raises DiskError where it cannot be.
    """

    def checked(path: Path) -> Path:
        with opened_scan(path):
            return path

    return _simulated(parameters, checked)


def scan_truth(parameters: ScanParameters) -> ScanTruth:
    """What was planted in a simulated scan, for tests and for pictures beside a model's.

    Simulates it where there is none; raises DiskError where that cannot be written.
    """
    return _simulated(parameters, lambda path: read_truth(path.with_name(TRUTH)))


def load_simulated(parameters: Sequence[ScanParameters]) -> dict[str, Scan]:
    """Simulated scans by key, read as any other; each simulated on the first call (seconds).

    A scan's pack lies beside it, since scans of the same key may differ in other parameters.
    """
    return {
        each.key: _simulated(each, lambda path: load_scan(path, path.parent / "packed"))
        for each in parameters
    }


def _simulated(parameters: ScanParameters, read: Callable[[Path], Read]) -> Read:
    """What `read` makes of the zip, which is simulated where it is missing or damaged."""

    def write(folder: Path) -> None:
        scan = simulate_scan(parameters)
        write_scan(scan, folder)
        write_truth(scan, folder / TRUTH)

    folder = simulated_folder("sensorium", parameters.to_dict(), MAKERS)
    return read_or_write(folder, TRUTH, write, lambda folder: read(folder / f"{scan_name(parameters)}.zip"))


def _known(keys: Sequence[str] | None, held: Mapping[str, object]) -> tuple[str, ...]:
    chosen = tuple(held if keys is None else [keys] if isinstance(keys, str) else keys)
    unknown = [key for key in chosen if key not in held]
    if unknown:
        raise DataError(f"No scan is named {', '.join(map(repr, unknown))}: choose of {', '.join(held)}.")
    return chosen


@dataclass(frozen=True)
class Written:
    """A simulated scan on disk; `ceilings` are means over neurons on its test trials, see `ScanTruth`."""

    scan: Path
    truth: Path
    ceilings: dict[Given, float]


def every_scan(source: settings.Source | None = None, seed: int = 0) -> dict[str, Scan]:
    """All scans of a source (default: that of NEUROKIT_SOURCE), those without behaviour too.

    Raises what `load_scans` does.
    """
    source = settings.check_source(source)
    return load_scans(tuple(SCANS) if source == "full" else None, source=source, seed=seed)


def describe_scans(found: Mapping[str, Scan]) -> pd.DataFrame:
    """One row per scan: key, neurons, trials of each tier, whether behaviour and order are known."""
    rows = (
        {
            "scan": key,
            "neurons": scan.neurons,
            **{tier: len(scan.trials(tier)) for tier in TIERS},
            "behaviour": "yes" if scan.has_behaviour else "no",
            "order": "known" if scan.ordered else "unknown",
        }
        for key, scan in found.items()
    )
    return pd.DataFrame(rows)


def write_simulated(folder: str | Path, trials: int = 1320, seed: int = 0) -> Written:
    """Simulates a scan with all responses and writes it and its truth; seconds for 1,320 trials.

    Of the trials a ninth part or so are validation and about a sixth test trials, as in the demo. An earlier
    scan that was written here is replaced. Raises SettingsError for fewer than 20 trials, DataError for a
    folder that holds anything else, and DiskError.
    """
    folder, parameters = Path(folder), _parameters(trials, seed)
    with write_output(folder, "neurokit simulate --recording sensorium") as new:
        simulated = simulate_scan(parameters)
        scan = folder / write_scan(simulated, new).name
        truth = folder / write_truth(simulated, new / "truth.npz").name
    known = read_truth(truth)
    return Written(scan, truth, {given: float(known.ceiling(given).mean()) for given in get_args(Given)})


def _parameters(trials: int, seed: int) -> ScanParameters:
    """The proportions of the default scan: 1,320 trials are 1,000, 120, and 25 images 8 times."""
    if trials < FEWEST:
        raise SettingsError(f"A scan of {trials} trials cannot be simulated; ask for {FEWEST} or more.")
    default = ScanParameters(mouse=MouseParameters(seed=seed))
    validation, images = max(2, trials // 11), max(2, 25 * trials // 1320)
    train = trials - validation - images * default.repeats
    return ScanParameters(mouse=default.mouse, train=train, validation=validation, test_images=images)
