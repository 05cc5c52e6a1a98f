"""Foundation training with a process for each recording, as for many mice on as many GPUs.

Every process reads its own recording and trains that mouse's network. The shared core starts equal, gets the
mean of all gradients in every step, and so stays equal. The weights are those that one process would find
with all mice (`neurokit.digital_twin.training.train_cohort`), up to rounding.

From Python, on one machine: `train_in_processes`. From a shell, on one machine or, with torchrun, on several:

    python -m neurokit.digital_twin.several --output foundation MOUSE=FOLDER MOUSE=FOLDER ...
    torchrun --nproc-per-node 8 -m neurokit.digital_twin.several --output foundation MOUSE=FOLDER ...

FOLDER holds the trials of a mouse, as `neurokit.digital_twin.recording.load_trials` reads them.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import distributed, multiprocessing, nn

from neurokit.digital_twin.checkpoints import save_twin
from neurokit.digital_twin.config import SMALL, TwinConfig
from neurokit.digital_twin.network.network import build_network
from neurokit.digital_twin.recording import load_trials
from neurokit.digital_twin.training import train_cohort
from neurokit.distributed.processes import (
    DEVICES,
    EpochStates,
    join_group,
    own_device,
    raise_saved_error,
    save_error,
)
from neurokit.errors import DiskError, FitError, NeurokitError, SettingsError

Folders = Mapping[str, str | Path]
RTOL, ATOL = 1e-4, 1e-6  # of machines that round differently for an epoch


def train_in_processes(
    folders: Folders, config: TwinConfig, output: str | Path, *, device: str = "auto"
) -> dict[str, Path]:
    """Trains a network for each mouse, each in a process of its own here, and saves them in `output`.

    `folders` are the mice's trials by their names, which the saved twins get (see
    `neurokit.digital_twin.checkpoints`). With CUDA, process n takes GPU n. An interrupted run with the same
    `output` is resumed. Raises what reading and training raise in any process, FitError where a process was
    killed, SettingsError for impossible names of mice, and DiskError for an `output` that is not a folder.
    """
    _check(folders, output, device)
    threads = max(1, torch.get_num_threads() // len(folders))
    with tempfile.TemporaryDirectory() as meeting:
        job = (dict(folders), config, Path(output), device, Path(meeting), threads)
        with raise_saved_error(Path(meeting)):
            multiprocessing.spawn(_work, job, nprocs=len(folders))
    return {mouse: Path(output) / f"{mouse}.safetensors" for mouse in folders}


def train_my_mouse(folders: Folders, config: TwinConfig, output: str | Path, *, device: str = "auto") -> Path:
    """Trains the mouse whose place in `folders` is this process's rank, and saves it in `output`.

    For a process that has already joined the others (`torch.distributed`). Raises as `train_in_processes`.
    """
    _check(folders, output, device)
    rank, world = distributed.get_rank(), distributed.get_world_size()
    if world != len(folders):
        raise SettingsError(f"There are {world} processes for {len(folders)} mice: start one for each mouse.")
    mouse, target = list(folders)[rank], own_device(device)
    recording = load_trials(folders[mouse])
    for omission in recording.omissions:
        print(f"{mouse}: {omission}", flush=True)
    network = build_network(recording.units, config.network, seed=config.seed).to(target)
    shared = [parameter for module in network.shared.values() for parameter in module.parameters()]
    keep_equal(shared)
    states = EpochStates(Path(output) / mouse)

    def close_epoch(epoch: int, _: float) -> None:
        keep_equal(shared)
        states.keep(epoch)

    fitted = train_cohort(
        {mouse: recording},
        config,
        {mouse: network},
        device=str(target),
        checkpoint=states.start(),
        rank=rank,
        world=world,
        on_epoch=close_epoch,
        show_progress=rank == 0,
    )
    saved = save_twin(network, Path(output) / mouse, config, recording, history=fitted.history)
    states.finish()
    return saved


@torch.no_grad()
def keep_equal(shared: Sequence[nn.Parameter]) -> None:
    """Gives all processes the first one's values; raises FitError where they differ by more than rounding."""
    own = torch.cat([parameter.flatten() for parameter in shared])
    first = own.clone()
    distributed.broadcast(first, src=0)
    if not torch.allclose(own, first, rtol=RTOL, atol=ATOL):
        raise FitError(
            f"The shared weights differ in process {distributed.get_rank()}: start all with the same "
            "config, and the same versions of neurokit and torch."
        )
    for parameter, values in zip(shared, first.split([p.numel() for p in shared]), strict=True):
        parameter.copy_(values.view_as(parameter))


def _work(
    rank: int, folders: Folders, config: TwinConfig, output: Path, device: str, meeting: Path, threads: int
) -> None:
    """Trains one mouse in a process of its own."""
    torch.set_num_threads(threads)
    address = (meeting / "meet").as_uri()
    with save_error(meeting), join_group(device, init_method=address, rank=rank, world_size=len(folders)):
        train_my_mouse(folders, config, output, device=device)


def _check(folders: Folders, output: str | Path, device: str) -> None:
    if not folders:
        raise SettingsError("There is no mouse to train on; name the folder of at least one.")
    if device not in DEVICES:
        raise SettingsError(f"device is {device!r}; use one of {', '.join(DEVICES)}.")
    for mouse in folders:
        if not mouse or set("./\\") & set(mouse) or hasattr(nn.ModuleDict(), mouse):
            raise SettingsError(f"A mouse cannot have the name {mouse!r}: use letters, digits and hyphens.")
    there = next(path for path in (Path(output), *Path(output).parents) if path.exists())
    if not there.is_dir():
        raise DiskError(f"{there} is a file, and the twins need a folder: name another output.")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command of the module's docstring; the exit status."""
    given = _parser().parse_args(arguments)
    try:
        config = (SMALL if given.size == "small" else TwinConfig()).replace(seed=given.seed)
        config = config if given.epochs is None else config.with_epochs(given.epochs)
        folders = _folders(given.mice)
        if "RANK" in os.environ:  # torchrun
            with join_group(given.device):
                print(train_my_mouse(folders, config, given.output, device=given.device))
        else:
            print(*train_in_processes(folders, config, given.output, device=given.device).values(), sep="\n")
    except NeurokitError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    text = __doc__.split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m neurokit.digital_twin.several", description=text)
    parser.add_argument(
        "mice", nargs="+", metavar="MOUSE=FOLDER", type=_parse_mouse, help="a name and its trials"
    )
    parser.add_argument("--output", required=True, type=Path, help="folder of the twins")
    parser.add_argument(
        "--size", choices=("small", "published"), default="published", help="of network and training"
    )
    parser.add_argument("--epochs", type=int, help="in one cycle (default: that of the size)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, clips, streams and noise")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    return parser


def _folders(pairs: Sequence[str]) -> dict[str, str]:
    """The mice's folders by name; raises SettingsError where two have one name."""
    split = [pair.split("=", 1) for pair in pairs]
    mouse, times = Counter(mouse for mouse, _ in split).most_common(1)[0]
    if times > 1:
        raise SettingsError(f"There are {times} mice with the name {mouse!r}: give each its own name.")
    return dict(split)


def _parse_mouse(text: str) -> str:
    if not all(text.partition("=")):
        raise argparse.ArgumentTypeError(f"{text!r} is not MOUSE=FOLDER")
    return text


if __name__ == "__main__":
    sys.exit(main())
