"""SENSORIUM scans, whatever the source: simulated, the real downloads, or a folder of your own.

`load()` gives the same dataclass for all, so nothing after it knows who made the files. Simulated scans are
written once, each in a folder of its own under the data folder, what was planted beside it.

Letters: T trials of a scan in the order of its files, N neurons.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from neurokit import settings
from neurokit.arguments import explain_failure
from neurokit.errors import DataError, SettingsError
from neurokit.files.atomic import write_output
from neurokit.files.cache import Read, read_or_write, simulated_folder
from neurokit.files.fetch import fetch
from neurokit.sensorium.config import WITHOUT_BEHAVIOUR, SensoriumConfig
from neurokit.sensorium.files import SUFFIX, TIERS, open_scan, plain_name
from neurokit.sensorium.folders import find_own, list_own
from neurokit.sensorium.recording import Scan, Scans, load_scan
from neurokit.sensorium.simulated_mouse import MouseParameters
from neurokit.sensorium.simulation import (
    Given,
    Kind,
    ScanParameters,
    ScanTruth,
    read_truth,
    scan_name,
    simulate_scan,
    truth_path,
    write_scan,
    write_truth,
)
from neurokit.training.system import Simulated

DEMO: tuple[Kind, ...] = ("pretraining", "pretraining", "sensorium_plus")
DEMO_SIZE = {"train": 600, "validation": 80, "test_images": 20, "repeats": 8}  # a seventh of a real scan
TRACK = {"pretraining": "", "sensorium_plus": "SENSORIUM+", "sensorium": "SENSORIUM"}
MAKERS = (simulate_scan, write_scan, write_truth)
FEWEST = 20  # trials of a simulated scan: two images of each tier, those of the test shown eight times
NO_CUTOUT = "The source 'cutout' has no small real SENSORIUM recording: set NEUROKIT_SOURCE to demo or full."


@dataclass(frozen=True)
class PublishedScan:
    """What is known of a published scan: the track that scores it ('' for none), and its size."""

    key: str
    track: str
    neurons: int
    trials: int

    @property
    def archive(self) -> str:
        """The name of its zip."""
        return f"static{self.key}-{SUFFIX}.zip"

    @property
    def has_behaviour(self) -> bool:
        """Whether pupil and running were published: not of the scan of the track without them."""
        return self.track != "SENSORIUM"


SCANS = {
    scan.key: scan
    for scan in (
        PublishedScan("26872-17-20", "SENSORIUM", 7776, 6955),
        PublishedScan("27204-5-13", "SENSORIUM+", 7538, 6959),
        PublishedScan("21067-10-18", "", 8372, 5994),
        PublishedScan("22846-10-16", "", 7344, 5997),
        PublishedScan("23343-5-17", "", 7334, 5951),
        PublishedScan("23656-14-22", "", 8107, 5966),
        PublishedScan("23964-4-22", "", 8098, 5983),
    )
}


@dataclass(frozen=True)
class _Readable:
    """A scan that can be read, and whether it has behaviour, if that is known before reading."""

    read: Callable[[], Scan]
    has_behaviour: bool = True


@explain_failure
def load(
    *,
    source: settings.Source | None = None,
    folder: str | Path | None = None,
    session: Sequence[str] | str = (),
    seed: int = 0,
    config: SensoriumConfig = SensoriumConfig(),  # noqa: B008  frozen
) -> Scans:
    """Scans of a source (default: that of NEUROKIT_SOURCE), or the recordings in a `folder`.

    A folder holds zips and unpacked scans in the competition's layout, under any name, or recordings in any
    format that `neurokit.recordings` reads; it may be one of these itself. demo simulates the three mice of
    `seed` once and reads their files from then on; full downloads the published zips. `session` names scans
    by their keys, in their order here. Without it all are read; if the config reads behaviour, scans without
    it are left out and listed in `left_out`; of recordings in other formats it says which images are taken,
    and in which window. Raises SettingsError for cutout, for an unknown source, and for such a choice
    elsewhere, DataError for an unknown key, before anything is downloaded, and for a damaged file; FetchError
    and DiskError.
    """
    held = _find_scans(settings.check_source(source), folder, seed, config.reading)
    named = (session,) if isinstance(session, str) else tuple(session)
    if folder is not None:  # whose names may hold blanks and dots
        named = tuple(key if key in held else plain_name(key) for key in named)
    if unknown := [key for key in named if key not in held]:
        raise DataError(f"No scan is named {', '.join(map(repr, unknown))}: choose one of {', '.join(held)}.")
    if named:
        return Scans({key: held[key].read() for key in named})
    without = config.inputs.behaviour is None and not config.inputs.pupil_center
    found = {key: each.read() for key, each in held.items() if without or each.has_behaviour}
    found = {key: scan for key, scan in found.items() if without or scan.has_behaviour}
    if not found:
        raise DataError(
            f"None of {', '.join(held)} has behaviour, which the model reads; use a model that reads none, "
            f"such as {WITHOUT_BEHAVIOUR[0]}."
        )
    return Scans(found, left_out=[key for key in held if key not in found])


@explain_failure
def sessions(source: settings.Source, seed: int = 0, *, folder: str | Path | None = None) -> pd.DataFrame:
    """A row a scan: session, neurons, trials, track of the competition, and whether it has behaviour.

    Of a folder of one's own it is session, file and format.
    """
    if folder is not None:
        return list_own(Path(folder))
    if source == "cutout":
        raise SettingsError(NO_CUTOUT)
    if source == "full":
        facts = [(k, s.neurons, s.trials, s.track, s.has_behaviour) for k, s in SCANS.items()]
    else:
        facts = [
            (each.key, each.mouse.neurons, each.trials, TRACK[each.kind], each.kind != "sensorium")
            for each in demo_parameters(seed)
        ]
    return pd.DataFrame(facts, columns=["session", "neurons", "trials", "track", "behaviour"])


def demo_parameters(seed: int = 0) -> tuple[ScanParameters, ...]:
    """The demo's three mice: two with all responses, one whose test responses are withheld."""
    return tuple(
        ScanParameters(mouse=MouseParameters(seed=10 * seed + number), kind=kind, **DEMO_SIZE)
        for number, kind in enumerate(DEMO)
    )


@explain_failure
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


def simulated_scan(parameters: ScanParameters) -> Path:
    """The zip of a simulated scan, written on the first call (seconds), its truth beside it.

    A zip that was cut short or removed is written again. Raises DiskError where it cannot be.
    """

    def check(path: Path) -> Path:
        with open_scan(path):
            return path

    return _read_or_simulate(parameters, check)


def scan_truth(parameters: ScanParameters) -> ScanTruth:
    """What was planted in a simulated scan, for tests and for pictures beside a model's.

    Simulates it if it is missing; raises DiskError where that cannot be written.
    """
    return _read_or_simulate(parameters, lambda path: read_truth(truth_path(path)))


@explain_failure
def load_simulated(parameters: Sequence[ScanParameters]) -> Scans:
    """Simulated scans by key, read as any other; each simulated on the first call (seconds)."""
    return Scans({each.key: _read_simulated(each) for each in parameters})


@explain_failure
def simulate(folder: str | Path, *, seed: int = 0, trials: int = 1320) -> Simulated:
    """Writes a simulated scan with all responses, and its truth; seconds for 1,320 trials.

    About a tenth of the trials are validation and about a sixth test trials, as in the demo. An earlier scan
    that was written here is replaced. Raises SettingsError for fewer than 20 trials, DataError for a folder
    that holds anything else, and DiskError.
    """
    folder, parameters = Path(folder), _choose_parameters(trials, seed)
    with write_output(folder, "neurokit sensorium simulate") as new:
        simulated = simulate_scan(parameters)
        scan = write_scan(simulated, new)
        truth = write_truth(simulated, truth_path(scan))
    known = read_truth(folder / truth.name)
    best = ", ".join(f"{given} {known.ceiling(given).mean():.3f}" for given in get_args(Given))
    text = f"best reachable correlation on single test trials, knowing: {best}"
    return Simulated((folder / scan.name, folder / truth.name), text)


def _find_scans(
    source: settings.Source, folder: str | Path | None, seed: int, reading: Mapping[str, Any]
) -> dict[str, _Readable]:
    """Every scan of a folder or source by key; nothing is simulated or downloaded for it."""
    if folder is not None:
        own = find_own(Path(folder), _read_scan, seed, reading)
        return {key: _Readable(read) for key, read in own.items()}
    if reading:
        raise SettingsError(f"{' and '.join(reading)} choose of a recording of your own; name its folder.")
    if source == "cutout":
        raise SettingsError(NO_CUTOUT)
    if source == "demo":
        simulated = {each.key: each for each in demo_parameters(seed)}
        return {key: _Readable(partial(_read_simulated, each)) for key, each in simulated.items()}
    return {
        k: _Readable(partial(_read_download, scan.archive), scan.has_behaviour) for k, scan in SCANS.items()
    }


def _read_download(archive: str) -> Scan:
    return load_scan(fetch(archive, settings.data_folder() / "sensorium2022"))


def _read_scan(path: Path, packed: Path | None = None) -> Scan:
    """A scan, with its truth where that lies beside it."""
    scan, truth = load_scan(path, packed), truth_path(path)
    return replace(scan, truth=truth) if truth.is_file() else scan


def _read_simulated(parameters: ScanParameters) -> Scan:
    """The scan's pack lies beside it, since scans of the same key may differ in other parameters."""
    return _read_or_simulate(parameters, lambda path: _read_scan(path, path.parent / "packed"))


def _read_or_simulate(parameters: ScanParameters, read: Callable[[Path], Read]) -> Read:
    """What `read` makes of the zip, which is simulated if it is missing or damaged."""
    zipped = f"{scan_name(parameters)}.zip"

    def write(folder: Path) -> None:
        scan = simulate_scan(parameters)
        write_scan(scan, folder)
        write_truth(scan, truth_path(folder / zipped))

    folder = simulated_folder("sensorium", parameters.to_dict(), MAKERS)
    return read_or_write(folder, truth_path(zipped).name, write, lambda folder: read(folder / zipped))


def _choose_parameters(trials: int, seed: int) -> ScanParameters:
    """The proportions of the default scan: 1,320 trials are 1,000, 120, and 25 images 8 times."""
    if trials < FEWEST:
        raise SettingsError(f"A scan of {trials} trials cannot be simulated; ask for {FEWEST} or more.")
    default = ScanParameters(mouse=MouseParameters(seed=seed))
    validation, images = max(2, trials // 11), max(2, 25 * trials // 1320)
    train = trials - validation - images * default.repeats
    return ScanParameters(mouse=default.mouse, train=train, validation=validation, test_images=images)
