"""Digital twins from a recording to a saved twin and its scores, for the command line and the notebooks.

    plan = Plan()                     # a simulated mouse
    train_and_save(plan)
    evaluate_saved(plan)

A `Plan` settles which recording, recipe and core, and where the twin is saved. With `Plan(foundation=...)`
the core of a saved twin, or a released one, is transferred.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
import torch

from neurokit import settings
from neurokit.config import AnyPath, Seed, check_value
from neurokit.digital_twin import released
from neurokit.digital_twin.baselines import lagged_pixels, motion_energy
from neurokit.digital_twin.config import SMALL, Gaps, TwinRecipe
from neurokit.digital_twin.network.network import FoundationNetwork
from neurokit.digital_twin.recording import TrialFolder, load_trials
from neurokit.digital_twin.released import list_scans
from neurokit.digital_twin.saved import check_twin, load_twin, save_twin
from neurokit.digital_twin.scores import held_out_videos, predict_videos, score_table
from neurokit.digital_twin.simulated_files import write_recording
from neurokit.digital_twin.simulation import Ceilings, MouseParameters, simulate_mouse
from neurokit.digital_twin.sources import load_simulated_mouse, load_truth
from neurokit.digital_twin.statistics import read_statistics
from neurokit.digital_twin.training import train_twin
from neurokit.digital_twin.twin import DigitalTwin
from neurokit.errors import CheckpointError, SettingsError
from neurokit.files.atomic import write_output
from neurokit.training.compiling import Compile, check_compile
from neurokit.training.device import choose_device

Size = Literal["small", "full"]
NO_RECORDING = {
    "cutout": "has no small real recording of a mouse that watched video: use the source demo, or give the "
    "folder of a recording of your own",
    "full": "has weights to download, but no recording to train on: use the source demo, or give a folder "
    "made by neurokit.digital_twin.microns_conversion",
}


def demo_parameters(seed: int) -> MouseParameters:
    """The simulated mouse of the demo source."""
    return MouseParameters(seed=seed)


@dataclass(frozen=True)
class Plan:
    """A digital twin of one mouse.

    `folder` is a recording with training_data and evaluation_data in it; None is the demo's simulated mouse,
    which `seed` picks. `seed` is also that of weights and training. `foundation` is a saved twin, or a folder
    of released weights, whose core is transferred; None trains a core, too. `size` None is small on the demo
    source, else full. `epochs` and `gaps` replace the recipe's. Raises SettingsError for a size or source
    that there is not, and a source without a recording where no folder is given.
    """

    folder: str | Path | None = None
    foundation: str | Path | None = None
    seed: int | np.integer = 0
    size: Size | None = None
    epochs: int | None = None
    gaps: Gaps = "drop"
    source: settings.Source = field(default_factory=settings.source)

    def __post_init__(self) -> None:
        """Looks at what can be said without the recording; text is taken as a path."""
        settings.check_source(self.source)
        for name, kind in (("folder", AnyPath | None), ("foundation", AnyPath | None), ("seed", Seed)):
            object.__setattr__(self, name, check_value(name, getattr(self, name), kind))
        if self.folder is None and self.source in NO_RECORDING:
            raise SettingsError(f"The source {self.source!r} {NO_RECORDING[self.source]}.")
        if self.size not in (*get_args(Size), None):
            raise SettingsError(f"size is {self.size!r}; use one of {', '.join(get_args(Size))}.")

    @property
    def small(self) -> bool:
        """Whether network and training are those for a CPU."""
        return self.source == "demo" if self.size is None else self.size == "small"

    @property
    def recipe(self) -> TwinRecipe:
        """What is trained, and how; with a `foundation`, the network's sizes are that one's instead."""
        recipe = (SMALL if self.small else TwinRecipe()).replace(seed=self.seed, gaps=self.gaps)
        return recipe if self.epochs is None else recipe.epochs(self.epochs)

    @property
    def description(self) -> str:
        """One line on which twin this is."""
        of = "a simulated mouse" if self.folder is None else str(self.folder)
        core = "its own core" if self.foundation is None else f"the core of {self.foundation}"
        return f"digital twin of {of}, {self._size} size, with {core}"

    @property
    def simulated(self) -> bool:
        """Whether the truth about the mouse is known."""
        return self.folder is None

    def recording(self) -> Path:
        """The folder of the recording; the demo's is simulated on the first call (half a minute)."""
        return load_simulated_mouse(demo_parameters(self.seed)) if self.folder is None else self.folder

    @property
    def path(self) -> Path:
        """Where the twin is kept, without suffix; the same for any number of epochs."""
        return settings.data_folder() / "checkpoints" / self._name

    @property
    def unfinished(self) -> Path:
        """Where its training is kept until it is over; another file for each change of the recipe."""
        return self.path.with_name(f"{self._name}-{self.recipe.digest()}.training")

    @property
    def _size(self) -> str:
        return "small" if self.small else "full"

    @property
    def _name(self) -> str:
        of = "demo" if self.folder is None else _placed(self.folder)
        core = "" if self.foundation is None else f"-from-{_placed(self.foundation)}"
        return f"digital-twin-{of}-{self.seed}-{self._size}-{self.gaps}{core}"


def _placed(path: Path) -> str:
    """A name for a file or folder that no other has."""
    digest = hashlib.sha256(str(path.expanduser().absolute()).encode()).hexdigest()
    return f"{path.name}-{digest[:8]}"


@dataclass(frozen=True)
class Trained:
    """A finished training run: of `parameters` so many were `trained`; `loss` is that of validation."""

    path: Path
    parameters: int
    trained: int
    best_epoch: int
    loss: float


@dataclass(frozen=True)
class Written:
    """A simulated mouse on disk, and the ceilings of its cells by kind of video."""

    folder: Path
    ceilings: dict[str, Ceilings]


def train_and_save(plan: Plan, device: str = "auto", compile: Compile = "none") -> Trained:
    """Trains the plan's twin and saves it; a killed run goes on.

    Raises what loading and training do.
    """
    check_compile(compile, choose_device(device))  # before anything is simulated
    foundation = plan.foundation and load_foundation(plan.foundation)
    return _train(plan, load_trials(plan.recording() / "training_data"), foundation, device, compile)


def is_saved(plan: Plan) -> bool:
    """Whether a twin lies at the plan's path, or one of its two files: damage, which loading it tells."""
    files = [plan.path.with_name(f"{plan.path.name}.{kind}") for kind in ("json", "safetensors")]
    return any(file.is_file() for file in files)


def evaluate_saved(plan: Plan) -> pd.DataFrame:
    """Scores of the saved twin and its baselines on videos it was not trained on; one row a model and kind.

    Where no twin is saved it is trained first. A simulated mouse has other kinds of video beside the natural
    ones, and a last row for each: the prediction of somebody who knows the mouse. Columns as in
    `score_table`. Raises CheckpointError where the saved twin is another one than the plan's.
    """
    folder = plan.recording()
    recording = load_trials(folder / "training_data")
    videos = held_out_videos(folder)
    foundation = plan.foundation and load_foundation(plan.foundation)
    if not is_saved(plan):
        _train(plan, recording, foundation)
    network = _checked(plan, recording, foundation)
    every = [video for of_kind in videos.values() for video in of_kind]
    predictions = {"digital twin": predict_videos(DigitalTwin(network), every)}
    predictions |= {"motion energy": motion_energy(recording, every)}
    predictions |= {"lagged pixels": lagged_pixels(recording, every)}
    if plan.simulated:
        expected = load_truth(folder).expected
        predictions["ceiling"] = [video for kind in videos for video in expected[kind]]
    return score_table(videos, predictions)


def load_foundation(path: str | Path) -> FoundationNetwork:
    """The network whose core is transferred: a saved twin's, or that of the first scan in a weights folder.

    Raises CheckpointError for what is neither, and DataError for a damaged table of scans.
    """
    path = Path(path)
    if not path.is_dir():
        return load_twin(path)[0]
    first = list_scans(path).iloc[0]
    return released.load_twin(path, int(first["session"]), int(first["scan_idx"]), device="cpu").network


def write_simulated(folder: str | Path, seed: int = 0) -> Written:
    """Simulates a mouse and writes its trial folders and its truth; half a minute.

    An earlier simulated mouse in that folder is replaced. Raises DataError for a folder that holds anything
    else, DiskError.
    """
    folder = Path(folder)
    with write_output(folder, "neurokit simulate --recording microns") as new:
        mouse = simulate_mouse(demo_parameters(seed))
        write_recording(mouse, new)
    return Written(folder, {kind: mouse.ceilings(kind) for kind in mouse.repeated})


def _train(
    plan: Plan,
    recording: TrialFolder,
    foundation: FoundationNetwork | None,
    device: str = "auto",
    compile: Compile = "none",
) -> Trained:
    recipe, unfinished = _recipe(plan, foundation), plan.unfinished
    options = {"device": device, "compile": compile}
    fitted = train_twin(recording, recipe, foundation, checkpoint=unfinished, **options)
    scaling = plan.recording() / "statistics.npz"  # converted recordings have one
    path = save_twin(
        fitted.model,
        plan.path,
        recipe,
        recording,
        statistics=read_statistics(scaling) if scaling.is_file() else None,
        history=fitted.history,
    )
    unfinished.unlink(missing_ok=True)
    parameters = list(fitted.model.parameters())
    numbers = (
        sum(p.numel() for p in parameters if p.requires_grad or not trained) for trained in (False, True)
    )
    return Trained(path, *numbers, fitted.best_epoch, fitted.best_loss)


def _recipe(plan: Plan, foundation: FoundationNetwork | None) -> TwinRecipe:
    return plan.recipe if foundation is None else plan.recipe.replace(network=foundation.settings)


def _checked(plan: Plan, recording: TrialFolder, foundation: FoundationNetwork | None) -> FoundationNetwork:
    """The saved twin, where it is the plan's; one that was trained for fewer epochs is still that twin."""
    network, found = load_twin(plan.path)
    length = {"epochs": found.cycles.epochs, "warm_up": found.cycles.warm_up}
    wanted = _recipe(plan, foundation)
    check_twin(
        plan.path, recording, wanted.replace(cycles=wanted.cycles.replace(**length), rounds=found.rounds)
    )
    if foundation is not None and not _same_core(network, foundation):
        raise CheckpointError(
            f"{plan.path} has not the core of {plan.foundation}: remove it and transfer that core again."
        )
    return network


def _same_core(one: FoundationNetwork, other: FoundationNetwork) -> bool:
    tensors = [
        [tensor for module in network.shared.values() for tensor in module.state_dict().values()]
        for network in (one, other)
    ]
    return all(torch.equal(*pair) for pair in zip(*tensors, strict=True))
