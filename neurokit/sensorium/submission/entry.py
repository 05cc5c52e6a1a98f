"""An entry to the competition: an ensemble trained, its files written, validated and scored.

Letters: N neurons.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from neurokit import settings
from neurokit.arguments import explain_failure
from neurokit.errors import DataError, SettingsError
from neurokit.sensorium.config import SensoriumConfig
from neurokit.sensorium.engines import Engine
from neurokit.sensorium.ensemble import Ensemble, LoadScans, train_ensemble
from neurokit.sensorium.kernels import check_usable
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.scores import given_to_model, list_scored
from neurokit.sensorium.simulation import read_truth
from neurokit.sensorium.submission.scoring import score_submission
from neurokit.sensorium.submission.table import (
    TRACKS,
    check_complete,
    file_name,
    validate,
    write_ground_truth,
    write_submission,
)
from neurokit.sensorium.training import build
from neurokit.training.device import Compile, check_compile, choose_device
from neurokit.training.system import Build

SUBMITTED = ("test", "final_test")


@dataclass(frozen=True)
class Submission:
    """An ensemble's files, and how it scores where that can be known.

    `members` has the test scores of each member and of the ensemble, over all neurons of the scans
    whose test responses are known; `scores` those of each file against the simulation's ground truth,
    empty for a real scan, whose responses are withheld.
    """

    files: tuple[Path, ...]
    members: pd.DataFrame
    scores: pd.DataFrame


@explain_failure
def submit(
    load: LoadScans,
    config: SensoriumConfig,
    folder: str | Path,
    *,
    members_folder: str | Path,
    members: int = 5,
    engine: Engine = "here",
    workers: int | None = None,
    build: Build = build,
    device: str = "auto",
    compile: Compile = "none",
) -> Submission:
    """Trains an ensemble into `members_folder` (finished members stay), writes and validates its submission.

    Each scan with a final test, as the competition's have, gets a folder of its own below `folder`, called by
    its track; where no scan has one, each scan with a test gets one, such as an own recording. The other
    arguments are those of `train_ensemble`. Raises DataError where no scan has a test, or one leaves out what
    is scored, SettingsError for workers without an engine that has some, and what training and
    writing raise.
    """
    _check_options(engine, workers, compile, device)  # before anything is simulated or downloaded
    found = load()
    competing = find_competing(found)
    for key in competing:
        check_complete(found[key])
    ensemble = train_ensemble(
        load,
        config,
        members_folder,
        members=members,
        engine=engine,
        workers=workers,
        build=build,
        device=device,
        compile=compile,
    )
    places = {key: Path(folder) / TRACKS.get(key, key) for key in competing}
    files = _write_files(_select_mice(ensemble, competing), places)
    return Submission(
        files, _score_members(ensemble, list_scored(found)), _score_files(config, found, places)
    )


def find_competing(scans: Mapping[str, Scan]) -> list[str]:
    """Keys of the scans with a final test, or, where none has one, with a test; DataError for neither."""
    for tier in reversed(SUBMITTED):
        if found := [key for key, scan in scans.items() if len(scan.trials(tier))]:
            return found
    raise DataError(f"None of {', '.join(scans)} has test or final_test trials; submit a scan that has some.")


def _check_options(engine: Engine, workers: int | None, compile: Compile, device: str) -> None:
    """Raises SettingsError for what cannot go together, and for what this machine cannot do."""
    if workers is not None and engine == "here":
        raise SettingsError(
            f"workers is {workers}, and the engine here trains one member at a time; use processes or ray."
        )
    check_compile(compile, chosen := choose_device(device))
    if settings.fast():
        check_usable(chosen)


def _select_mice(ensemble: Ensemble, keys: Iterable[str]) -> Ensemble:
    """The same members for some of the mice."""
    keys = list(keys)
    return Ensemble(ensemble.members, tuple({key: mice[key] for key in keys} for mice in ensemble.mice))


def _score_members(ensemble: Ensemble, keys: list[str]) -> pd.DataFrame:
    """The rows over all neurons of the mice that can be scored; empty without such mice."""
    if not keys:
        return pd.DataFrame()
    table = _select_mice(ensemble, keys).score("test")
    return table[table.mouse == "all"].reset_index(drop=True)


def _write_files(ensemble: Ensemble, places: Mapping[str, Path]) -> tuple[Path, ...]:
    """The files of each scan, one for each of its test tiers, validated."""
    predictions = {tier: ensemble.predict(tier) for tier in SUBMITTED}
    files = []
    for key, place in places.items():
        scan = ensemble.mice[0][key].scan
        tiers = [tier for tier in SUBMITTED if len(scan.trials(tier))]
        means = {tier: predictions[tier][key].mean(axis=0) for tier in tiers}
        written = write_submission(place, scan, means)
        for tier, file in zip(means, written, strict=True):
            validate(file, scan, tier)
        files += written
    return tuple(files)


def _score_files(
    config: SensoriumConfig, found: Mapping[str, Scan], places: Mapping[str, Path]
) -> pd.DataFrame:
    """The competition's scores of each file, where the simulation says what the scan withholds."""
    rows = []
    for key, place in places.items():
        if (scan := found[key]).truth is None:
            continue
        truth = read_truth(scan.truth)
        standardised = truth.responses * scan.response_scale.astype(np.float32)
        tiers = [tier for tier in SUBMITTED if len(scan.trials(tier))]
        responses = {tier: standardised[scan.trials(tier)] for tier in tiers}
        truths = write_ground_truth(place, scan, responses)
        for tier, file in zip(tiers, truths, strict=True):
            ceiling = float(truth.ceiling(given_to_model(config), tier).mean())
            scores = score_submission(file, place / file_name(tier))
            rows.append({"scan": key, "tier": tier, **scores, "ceiling": ceiling})
    return pd.DataFrame(rows)
