"""What scans a tier has, and one more simulated: behind `neurokit data` and `neurokit simulate`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pandas as pd

from neurokit import settings
from neurokit.data import scans
from neurokit.data.scan_trials import TIERS
from neurokit.data.scan_truth import Given, read_truth
from neurokit.data.sensorium import SCANS, Scan
from neurokit.errors import SettingsError
from neurokit.files import write_output
from neurokit.simulate.mouse import MouseParameters
from neurokit.simulate.sensorium import ScanParameters, simulate_scan
from neurokit.simulate.sensorium_files import write_scan, write_truth

FEWEST = 20  # trials of a simulated scan: two images of each tier, those of the test shown eight times


@dataclass(frozen=True)
class Written:
    """A simulated scan on disk; `ceilings` are means over neurons on its test trials, see `ScanTruth`."""

    scan: Path
    truth: Path
    ceilings: dict[Given, float]


def every_scan(tier: settings.Tier | None = None, seed: int = 0) -> dict[str, Scan]:
    """All scans of a tier (default: that of NEUROKIT_TIER), those without behaviour too.

    Raises what `load_scans` does.
    """
    tier = settings.check_tier(tier)
    return scans.load_scans(tuple(SCANS) if tier == "full" else None, tier=tier, seed=seed)


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
