"""The complete state of a training run after an epoch, from which it can be resumed exactly."""

import copy
import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from neurokit import __version__
from neurokit.config import plain
from neurokit.errors import CheckpointError
from neurokit.files.atomic import atomic_write
from neurokit.files.sealed import open_bytes, seal_bytes
from neurokit.training.checkpoint import check_version
from neurokit.training.settings import FitSettings


class TrainingState:
    """Model, optimiser, schedule, generators, best weights and history of one run."""

    def __init__(
        self,
        model: nn.Module,
        settings: FitSettings,
        optimizer: torch.optim.Optimizer,
        schedule: LRScheduler,
        data: str,
    ) -> None:
        """`data` is the fingerprint of the training data; a run resumes only with the same data."""
        self.data = data
        self.model, self.settings = model, settings
        self.optimizer, self.schedule = optimizer, schedule
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.epoch, self.best_epoch, self.best_loss = 0, -1, float("inf")
        self.waited, self.round = 0, 0  # epochs without improvement; completed rounds
        self.best_weights: dict[str, torch.Tensor] = copy.deepcopy(
            model.state_dict()
        )  # until the first epoch ends
        self.rows: list[dict[str, float]] = []

    def start(self, checkpoint: Path | None) -> None:
        """Seeds torch's global generators (for dropout), or loads the checkpoint."""
        torch.manual_seed(self.settings.seed)
        if checkpoint is not None and checkpoint.is_file():
            self._load(checkpoint)

    def record(self, train_loss: float, validation_loss: float) -> None:
        """Ends an epoch: adds a row of history, updates the best weights and the rate."""
        self.rows.append(
            {
                "epoch": self.epoch,
                "train_loss": train_loss,
                "validation_loss": validation_loss,
                "learning_rate": self.optimizer.param_groups[0]["lr"],
            }
        )
        self.compare(validation_loss, self.epoch)
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(validation_loss)
        else:
            self.schedule.step()
        self.epoch += 1
        if self.settings.patience is not None and self.waited >= self.settings.patience:
            self._close_round()

    def compare(self, validation_loss: float, epoch: int = -1) -> None:
        """Retains the weights if they are the best so far; epoch -1 stands for untrained ones."""
        if validation_loss < self.best_loss - self.settings.tolerance:
            self.best_loss, self.best_epoch, self.waited = validation_loss, epoch, 0
            self.best_weights = copy.deepcopy(self.model.state_dict())
        else:
            self.waited += 1

    def _close_round(self) -> None:
        self.round, self.waited = self.round + 1, 0
        if not self.stopped:
            self.restore_best()  # the next round starts there, with the optimiser unchanged

    @property
    def stopped(self) -> bool:
        """Whether all rounds are over."""
        return self.round >= self.settings.rounds

    def restore_best(self) -> None:
        """Gives the model its best weights, or its original ones before the first epoch has ended."""
        self.model.load_state_dict(self.best_weights)

    def history(self) -> pd.DataFrame:
        """One row per epoch."""
        return pd.DataFrame(self.rows, columns=["epoch", "train_loss", "validation_loss", "learning_rate"])

    def save(self, path: Path | None) -> None:
        """Writes the state atomically; on DiskError the file of the last epoch stays."""
        if path is None:
            return
        buffer = io.BytesIO()  # torch's own writer would raise a bare RuntimeError for a full disk
        torch.save(self._content(), buffer)
        with atomic_write(path) as temporary:
            # a copy: CPython 3.12.1 crashes when it collects a BytesIO whose buffer an exception still holds
            temporary.write_bytes(seal_bytes(buffer.getvalue()))

    def _content(self) -> dict[str, Any]:
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return {
            "version": __version__,
            "settings": self._comparable(),
            "data": self.data,
            "model": self.model.state_dict(),
            "optimizer": plain(self.optimizer.state_dict()),
            "schedule": plain(self.schedule.state_dict()),
            "generators": [self.generator.get_state(), torch.get_rng_state(), *cuda],
            "progress": plain([self.epoch, self.best_epoch, self.best_loss, self.waited, self.round]),
            "best_weights": self.best_weights,
            "rows": plain(self.rows),
        }

    def _load(self, path: Path) -> None:
        content = _read_content(path)
        wanted, found = self._comparable(), content.get("settings", {})
        if found != wanted:
            different = sorted(k for k in wanted | found if wanted.get(k) != found.get(k))
            raise CheckpointError(
                f"{path} was trained with other settings ({', '.join(different)}): remove it to start again, "
                "or resume with the same settings."
            )
        if content.get("data") != self.data:
            raise CheckpointError(
                f"{path} was trained on other data: remove it to start again, or resume with the same data."
            )
        try:
            self._check_progress(content["progress"], len(content["rows"]))
            self.model.load_state_dict(content["model"])
            self.optimizer.load_state_dict(content["optimizer"])
            self.schedule.load_state_dict(content["schedule"])
            self._set_generators(content["generators"])
            self.epoch, self.best_epoch, self.best_loss, self.waited, self.round = content["progress"]
            self.best_weights, self.rows = content["best_weights"], content["rows"]
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            self.restore_best()  # some weights may have been loaded before one did not fit
            raise CheckpointError(
                f"{path} is of another model than this {type(self.model).__name__}: remove it, "
                "or build the model that it belongs to."
            ) from error

    def _check_progress(self, progress: list[Any], rows: int) -> None:
        """Raises ValueError for counters that no training reaches."""
        epoch, best_epoch, best_loss, waited, rounds = progress
        if any(type(count) is not int for count in (epoch, best_epoch, waited, rounds)):
            raise ValueError("a counter is no whole number")
        if type(best_loss) is not float or not -1 <= best_epoch < max(epoch, 1) or epoch != rows:
            raise ValueError("the counters do not fit the history")
        if not 0 <= waited <= epoch + 1 or not 0 <= rounds <= self.settings.rounds:
            raise ValueError("the counters do not fit the settings")

    def _comparable(self) -> dict[str, Any]:
        """The settings that must agree on resuming: all, but for epochs that no schedule depends on."""
        spans = self.settings.schedule == "cosine"
        return {name: value for name, value in self.settings.to_dict().items() if spans or name != "epochs"}

    def _set_generators(self, states: list[torch.Tensor]) -> None:
        own, cpu, *cuda = states
        self.generator.set_state(own)
        torch.set_rng_state(cpu)
        if cuda and len(cuda) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(cuda)


def remove_finished(path: Path, history: pd.DataFrame) -> None:
    """Removes the state of a training that is over and saved with this history, as a killed process left it.

    That of another training, which goes on, stays.
    """
    if not path.is_file():
        return
    with suppress(CheckpointError, OSError, KeyError):
        rows = _read_content(path)["rows"]
        if [row["validation_loss"] for row in rows] == history["validation_loss"].tolist():
            path.unlink(missing_ok=True)


def _read_content(path: Path) -> dict[str, Any]:
    """The content of a training checkpoint, tensors and plain data only."""
    try:
        opened = io.BytesIO(open_bytes(path.read_bytes()))
        content = torch.load(opened, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged or foreign file
        raise CheckpointError(
            f"{path} is damaged or not a training checkpoint; remove it to start again."
        ) from error
    if not isinstance(content, dict) or "version" not in content:
        raise CheckpointError(f"{path} holds no training state; remove it to start again.")
    check_version(path, content["version"], "remove it to start again")
    return content
