"""A digital twin: a trained network that is shown video as the animal was, frame by frame or all at once.

Letters: T frames (30 Hz), N presentations at once, K videos, H x W monitor pixels, U units.
"""

from collections.abc import Iterable, Iterator
from typing import Any, get_args

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn

from neurokit.digital_twin.network.base import ClipState, Periphery, check_network
from neurokit.errors import DataError, SettingsError
from neurokit.training.device import choose_device, first_tensor
from neurokit.training.predict import evaluating

CHUNK_SIZE = 16  # frames that go through the network together; an hour of video takes no more memory
Moment = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]


class DigitalTwin:
    """Predicts responses to video from its first frame on; `units` describes the neurons, row by row.

    Behaviour that is left out or NaN is the mean of the training trials. The twin remembers what it saw until
    `reset`, with which every prediction starts unless its `reset` is False. Weights are read at a reset:
    train, then reset. With `periphery` 'extend' the monitor's edge continues around it; it is dark otherwise.
    The network, a `TwinNetwork`, is moved to `device`.
    """

    def __init__(
        self,
        network: nn.Module,
        units: pd.DataFrame | None = None,
        *,
        device: str = "auto",
        periphery: Periphery = "dark",
    ) -> None:
        """Raises DataError for a table with another number of units, SettingsError for the rest."""
        network = check_network(network)
        if periphery not in get_args(Periphery):
            raise SettingsError(f"periphery is {periphery!r}; use one of {', '.join(get_args(Periphery))}.")
        if units is not None and len(units) != network.units:
            raise DataError(
                f"The table has {len(units)} units, and the network predicts {network.units}: give the table "
                "of this recording."
            )
        self.device = choose_device(device)
        self.network, self.units = network.to(self.device), units
        self.periphery: Periphery = periphery
        self._clip: ClipState | None = None

    def reset(self) -> None:
        """Forgets what was seen."""
        self._clip = None

    def predict(
        self,
        stimulus: np.ndarray,
        perspective: np.ndarray | None = None,
        modulation: np.ndarray | None = None,
        *,
        reset: bool = True,
    ) -> Float32[np.ndarray, "T *units"]:
        """Responses in multiples of each unit's mean in training.

        `stimulus` (uint8) is T H W or T H W 1, or T N H W 1 for N presentations; `perspective` (pupil x, y)
        and `modulation` (pupil radius, treadmill) are T 2 or T N 2, in standard deviations. One stimulus with
        N behaviours is shown N times. The answer is T U, or T N U. Raises DataError for other shapes, types
        and ranges.
        """
        video = _check_video(stimulus, self.network.settings.monitor)
        parts = [
            _check_behaviour(values, len(video), name)
            for values, name in ((perspective, "perspective"), (modulation, "modulation"))
        ]
        number = _count_presentations(video, *parts)
        single = stimulus.ndim < 5 and all(
            values is None or values.ndim == 2 for values in (perspective, modulation)
        )
        inputs = [np.broadcast_to(part, (len(part), number, *part.shape[2:])) for part in (video, *parts)]
        if reset:
            self.reset()
        found = np.empty((len(video), number, self.network.units), dtype=np.float32)
        for start in range(0, len(video), CHUNK_SIZE):
            frames = slice(start, start + CHUNK_SIZE)
            found[frames] = self._advance(*(part[frames] for part in inputs))
        return found[:, 0] if single else found

    def respond(
        self, moments: Iterable[np.ndarray | Moment], *, reset: bool = True
    ) -> Iterator[Float32[np.ndarray, "U"]]:
        """The response to each frame as it comes: an endless stream in constant memory.

        A moment is a frame H W, or a frame with perspective (2,) and modulation (2,), either of them None for
        the mean. Raises DataError as `predict` does.
        """
        if reset:
            self.reset()
        for moment in moments:
            frame, *behaviour = moment if isinstance(moment, tuple) else (moment, None, None)
            if len(behaviour) != 2:
                raise DataError(
                    f"A moment has {1 + len(behaviour)} parts; give a frame, or a frame, perspective and "
                    "modulation, either of them None for the mean."
                )
            given = [values if values is None else np.asarray(values)[None] for values in behaviour]
            yield self.predict(np.asarray(frame)[None], *given, reset=False)[0]

    def _advance(self, *parts: np.ndarray) -> Float32[np.ndarray, "T N U"]:
        video, pupil, behaviour = (torch.from_numpy(np.array(part)).to(self.device) for part in parts)
        with evaluating(self.network), torch.no_grad():
            clip = self._continue(video)
            return self.network.rates(video, pupil, behaviour, clip).float().cpu().numpy()

    def _continue(self, video: Tensor) -> ClipState:
        if self._clip is None:
            self._clip = self.network.begin(video.shape[1], periphery=self.periphery)
        if self._clip.batch != video.shape[1]:
            raise DataError(
                f"There were {self._clip.batch} presentations so far, and now {video.shape[1]}: reset first."
            )
        return self._clip


class OfPixels(nn.Module):
    """A twin as a differentiable function of the pixels alone; its behaviour is constant.

    `perspective` (pupil x and y) and `modulation` (pupil radius, treadmill) are in standard deviations, and
    0 where they are left out. The network is shared, not copied.
    """

    perspective: Float[Tensor, "2"]
    modulation: Float[Tensor, "2"]

    def __init__(
        self,
        twin: DigitalTwin,
        perspective: Float[Tensor, "2"] | None = None,
        modulation: Float[Tensor, "2"] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.periphery = twin.network, twin.periphery
        self.training = twin.network.training
        for name, value in (("perspective", perspective), ("modulation", modulation)):
            constant = torch.zeros(2) if value is None else value.detach()
            self.register_buffer(name, constant.to(first_tensor(twin.network)), persistent=False)

    def forward(self, pixels: Float[Tensor, "K T H W"]) -> Float[Tensor, "K T U"]:
        """Responses to each video (0 black, 1 white) from its first frame on."""
        frames = pixels.transpose(0, 1)[:, :, None]
        pupil, behaviour = (v.expand(*frames.shape[:2], 2) for v in (self.perspective, self.modulation))
        clip = self.network.begin(len(pixels), periphery=self.periphery)
        drive = self.network.drive(frames, pupil, behaviour, clip)
        return self.network.unit.rate(drive).transpose(0, 1)


def _check_video(stimulus: Any, monitor: tuple[int, int]) -> UInt8[np.ndarray, "T N H W"]:
    if not isinstance(stimulus, np.ndarray):
        raise DataError(
            f"The stimulus is of the type {type(stimulus).__name__}; give a numpy array of uint8, frames x "
            "rows x columns."
        )
    if stimulus.dtype != np.uint8:
        raise DataError(
            f"The stimulus is {stimulus.dtype}; give uint8 from 0 (black) to 255 (white), as in "
            "(255 * video).round().astype('uint8')."
        )
    shape = stimulus.shape
    if stimulus.ndim == 3:
        found = stimulus[:, None]
    elif stimulus.ndim == 4 and shape[-1] == 1:
        found = stimulus[:, None, ..., 0]
    elif stimulus.ndim == 5 and shape[-1] == 1:
        found = stimulus[..., 0]
    else:
        raise DataError(
            f"The stimulus has the shape {shape}; give frames x rows x columns, or, for several at once, "
            "frames x presentations x rows x columns x 1."
        )
    if not len(found):
        raise DataError("The stimulus has 0 frames; give at least one.")
    if found.shape[2:] != monitor:
        raise DataError(
            f"The stimulus has {len(found)} frames of {found.shape[2:]} pixels, and this twin sees "
            f"{monitor}: resize it with neurokit.digital_twin.resize_video."
        )
    return found


def _check_behaviour(values: Any, frames: int, name: str) -> Float32[np.ndarray, "T N 2"]:
    if values is None:
        return np.zeros((frames, 1, 2), dtype=np.float32)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        found = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise DataError(f"{name} is of the type {found}; give a numpy array of real numbers, or None.")
    if values.ndim not in (2, 3) or values.shape[-1] != 2:
        raise DataError(
            f"{name} has the shape {values.shape}; give frames x 2, or frames x presentations x 2."
        )
    if len(values) != frames:
        raise DataError(
            f"{name} has {len(values)} frames and the stimulus {frames}: cut or resample one of them, at 30 "
            "Hz."
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold is found below
        values = values.astype(np.float32)
    if np.isinf(values).any():
        raise DataError(
            f"{name} holds infinite values, or too large ones; write NaN where it was not measured."
        )
    return np.nan_to_num(values[:, None] if values.ndim == 2 else values)


def _count_presentations(*parts: np.ndarray) -> int:
    numbers = {part.shape[1] for part in parts} - {1}
    if 0 in numbers:
        raise DataError("Stimulus, perspective or modulation has 0 presentations; give at least one.")
    if len(numbers) > 1:
        raise DataError(
            f"Stimulus, perspective and modulation have {' and '.join(map(str, sorted(numbers)))} "
            "presentations; give the same number, or one for all."
        )
    return numbers.pop() if numbers else 1
