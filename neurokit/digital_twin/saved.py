"""Trained twins on disk: weights, recipe, scales, and which recording they know.

A twin is one checkpoint of `neurokit.training.checkpoint`. What several mice were trained to share is saved
as one
twin for each of them: any one holds the shared part whole, so any one serves as the foundation of a transfer.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from neurokit.digital_twin.cohort import CohortNetwork
from neurokit.digital_twin.config import TwinRecipe
from neurokit.digital_twin.network.network import FoundationNetwork
from neurokit.digital_twin.recording import TrialFolder
from neurokit.digital_twin.statistics import TrainingStatistics
from neurokit.digital_twin.windows import trials_fingerprint
from neurokit.errors import CheckpointError
from neurokit.training import checkpoint


@dataclass(frozen=True, eq=False)
class SavedTwin:
    """What a checkpoint of a twin holds.

    Attributes:
        network: on the CPU, in evaluation mode.
        recipe: by which it was trained.
        data: fingerprint of the recording; None where none was given.
        units: a row for each unit; None where no table was given.
        statistics: by which behaviour and responses were scaled; None where none were given.
        history: as `neurokit.training.fit.TrainingResult` has it; None where none was given.
    """

    network: FoundationNetwork
    recipe: TwinRecipe
    data: str | None
    units: pd.DataFrame | None
    statistics: TrainingStatistics | None
    history: pd.DataFrame | None


def save_twin(
    network: FoundationNetwork,
    path: str | Path,
    recipe: TwinRecipe,
    recording: TrialFolder | None = None,
    *,
    units: pd.DataFrame | None = None,
    statistics: TrainingStatistics | None = None,
    history: pd.DataFrame | None = None,
) -> Path:
    """Writes a twin as `open_twin` reads it; raises DiskError. The unit table's index is not kept."""
    facts = {
        "recipe": recipe.to_dict(),
        "data": recording and recording_fingerprint(recording),
        "units": _plain(units),
        "history": _plain(history),
    }
    arrays = asdict(statistics) if statistics else {}
    return checkpoint.save(network, path, network.configuration, arrays=arrays, **facts)


def load_twin(path: str | Path) -> tuple[FoundationNetwork, TwinRecipe]:
    """A saved network, on the CPU in evaluation mode, and its recipe; raises as `open_twin` does."""
    twin = open_twin(path)
    return twin.network, twin.recipe


def open_twin(path: str | Path) -> SavedTwin:
    """All that was saved with a twin.

    Raises CheckpointError for damaged or missing files, those of another model, or of another version.
    """
    network, found = checkpoint.load(path, FoundationNetwork)
    try:
        statistics = TrainingStatistics(**found["arrays"]) if found["arrays"] else None
        tables = {name: _table(found[name]) for name in ("units", "history")}
        return SavedTwin(
            network, TwinRecipe.from_dict(found["recipe"]), found["data"], statistics=statistics, **tables
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"The side-car of {path} holds no recipe of this version: train the twin again."
        ) from error


def check_twin(path: str | Path, recording: TrialFolder, recipe: TwinRecipe) -> None:
    """Raises CheckpointError where the saved twin is damaged, of another recording or of another recipe."""
    twin = open_twin(path)
    same = {"recording": twin.data == recording_fingerprint(recording), "recipe": twin.recipe == recipe}
    for name, holds in same.items():
        if not holds:
            raise CheckpointError(
                f"{path} is a twin of another {name}: remove it and train again, or ask for what it was made "
                "with."
            )


def save_foundation(
    cohort: CohortNetwork,
    folder: str | Path,
    recipe: TwinRecipe,
    recordings: Mapping[str, TrialFolder] | None = None,
    *,
    history: pd.DataFrame | None = None,
) -> dict[str, Path]:
    """Writes each mouse's network of a cohort into `folder`, under its name; raises DiskError."""
    return {
        mouse: save_twin(
            network, Path(folder) / mouse, recipe, (recordings or {}).get(mouse), history=history
        )
        for mouse, network in cohort.mice.items()
    }


def recording_fingerprint(recording: TrialFolder) -> str:
    """Which trials these are: see `neurokit.digital_twin.windows.trials_fingerprint`."""
    return trials_fingerprint(recording.trials)


def _plain(table: pd.DataFrame | None) -> dict[str, list] | None:
    """Columns by name; a number that JSON does not know, as NaN, becomes None."""
    if table is None:
        return None
    return {
        str(name): column.astype(object).where(column.notna(), None).tolist()
        for name, column in table.items()
    }


def _table(plain: dict[str, list] | None) -> pd.DataFrame | None:
    return None if plain is None else pd.DataFrame(plain)
