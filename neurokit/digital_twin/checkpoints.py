"""Trained twins on disk: what is saved beside the weights, and how to open it again.

A twin is one checkpoint of `neurokit.training.checkpoint`, whether an experiment, a cohort or a process for
each mouse trained it. A core that several mice share is saved with the twin of each of them: each twin holds
all of it, so each serves as the foundation of a transfer.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from neurokit.digital_twin.clips import trials_fingerprint
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.network.base import TwinNetwork
from neurokit.digital_twin.network.network import FoundationNetwork
from neurokit.digital_twin.preparation import TrainingStatistics
from neurokit.digital_twin.recording import TrialFolder
from neurokit.digital_twin.released import open_released
from neurokit.digital_twin.training import CohortNetwork
from neurokit.errors import CheckpointError, SettingsError
from neurokit.files.atomic import restore_folder
from neurokit.training import checkpoint
from neurokit.training.checkpoint import fingerprint

NAME = "digital-twin"


@dataclass(frozen=True, eq=False)
class SavedTwin:
    """What a checkpoint of a twin holds.

    Attributes:
        network: on the CPU, in evaluation mode.
        config: of its training; `config.network` has the sizes of this network.
        data: which trials and which core, from `data_facts`; None where no recording was given.
        units: a row for each unit; None where no table was given.
        statistics: that scaled behaviour and responses; None where none were given.
        history: that of `neurokit.training.fit.TrainingResult`; None where none was given.
    """

    network: TwinNetwork
    config: TwinConfig
    data: dict[str, Any] | None
    units: pd.DataFrame | None
    statistics: TrainingStatistics | None
    history: pd.DataFrame | None


def data_facts(recording: TrialFolder, foundation: FoundationNetwork | None = None) -> dict[str, Any]:
    """What a twin was trained on: fingerprints of trials (`trials_fingerprint`) and of a transferred core."""
    return {
        "trials": trials_fingerprint(recording.trials),
        "core": None if foundation is None else core_fingerprint(foundation),
    }


def core_fingerprint(network: TwinNetwork) -> str:
    """Sixteen hexadecimal digits of all weights that mice share."""
    tensors = [tensor for module in network.shared.values() for tensor in module.state_dict().values()]
    return fingerprint(*(tensor.detach().cpu().numpy() for tensor in tensors))


def statistics_arrays(statistics: TrainingStatistics | None) -> dict[str, np.ndarray]:
    """Arrays of a checkpoint by name; none without statistics."""
    return {} if statistics is None else asdict(statistics)


def statistics_from_arrays(arrays: Mapping[str, np.ndarray]) -> TrainingStatistics | None:
    """The inverse of `statistics_arrays`."""
    return TrainingStatistics(**arrays) if arrays else None


def save_twin(
    network: TwinNetwork,
    path: str | Path,
    config: TwinConfig,
    recording: TrialFolder | None = None,
    *,
    units: pd.DataFrame | None = None,
    statistics: TrainingStatistics | None = None,
    history: pd.DataFrame | None = None,
) -> Path:
    """Writes a twin as `open_twin` reads it; raises DiskError. The unit table's index is not saved."""
    return checkpoint.save(
        network,
        path,
        arrays=statistics_arrays(statistics),
        system=NAME,
        config=config.to_dict(),
        data=recording and data_facts(recording),
        left_out=[each.to_dict() for each in recording.omissions] if recording else [],
        units=to_columns(units),
        history=to_columns(history),
    )


def open_twin(path: str | Path, network: type[TwinNetwork] | TwinNetwork = FoundationNetwork) -> SavedTwin:
    """All that `save_twin` or an experiment saved with a twin.

    `network` is the class of the saved network, or an untrained one that takes the weights. Raises
    CheckpointError for damaged or missing files, those of another model, or of another version.
    """
    found = checkpoint.load(path, network)
    try:
        config = TwinConfig.from_dict(found.facts["config"]).replace(network=found.model.settings)
        tables = {name: _to_table(found.facts[name]) for name in ("units", "history")}
        statistics = statistics_from_arrays(found.arrays)
        return SavedTwin(found.model, config, found.facts["data"], statistics=statistics, **tables)
    except (KeyError, TypeError, ValueError, AttributeError, SettingsError) as error:
        raise CheckpointError(
            f"The side-car of {path} holds no config of this version: train the twin again."
        ) from error


def save_foundation(
    cohort: CohortNetwork,
    folder: str | Path,
    config: TwinConfig,
    recordings: Mapping[str, TrialFolder] | None = None,
    *,
    history: pd.DataFrame | None = None,
) -> dict[str, Path]:
    """Writes each mouse's network of a cohort into `folder`, under its name; raises DiskError."""
    return {
        mouse: save_twin(
            cohort.network(mouse),
            Path(folder) / mouse,
            config,
            (recordings or {}).get(mouse),
            history=history,
        )
        for mouse in cohort.mice
    }


def load_foundation(path: str | Path) -> FoundationNetwork:
    """The network whose core is transferred: a saved twin's, or that of the first scan in a weights folder.

    Raises CheckpointError for what is neither, and DataError for a damaged table of scans.
    """
    path = restore_folder(path)
    if not path.is_dir():
        return cast(FoundationNetwork, open_twin(path).network)
    return cast(FoundationNetwork, open_released(path).model)


def to_columns(table: pd.DataFrame | None) -> dict[str, list] | None:
    """A table's columns by name; a number that JSON lacks, such as NaN, becomes None."""
    if table is None:
        return None
    return {
        str(name): column.astype(object).where(column.notna(), None).tolist()
        for name, column in table.items()
    }


def _to_table(plain: dict[str, list] | None) -> pd.DataFrame | None:
    return None if plain is None else pd.DataFrame(plain)
