"""Digital twins from a recording to a saved twin and its scores, for the command line and the notebooks.

    plan = Plan()                     # a simulated mouse
    train_and_save(plan)
    evaluate_saved(plan)

With `Plan(foundation=...)` the core of a saved twin, or a released one, is transferred.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from neurokit.compiling import Compile, check_compile
from neurokit.data.microns_weights import list_scans
from neurokit.data.simulated_mice import load_truth
from neurokit.data.trial_folder import TrialFolder, load_trials
from neurokit.data.trial_statistics import read_statistics
from neurokit.device import choose_device
from neurokit.errors import CheckpointError
from neurokit.files import write_output
from neurokit.models.foundation.network import FoundationNetwork
from neurokit.simulate.microns import simulate_mouse
from neurokit.simulate.microns_files import write_recording
from neurokit.simulate.video_ceilings import Ceilings
from neurokit.twins import released
from neurokit.twins.baselines import lagged_pixels, motion_energy
from neurokit.twins.plan import Plan, demo_parameters
from neurokit.twins.recipe import TwinRecipe
from neurokit.twins.saved import check_twin, load_twin, save_twin
from neurokit.twins.scores import predict_videos
from neurokit.twins.table import held_out_videos, score_table
from neurokit.twins.training import train_twin
from neurokit.twins.twin import DigitalTwin


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
