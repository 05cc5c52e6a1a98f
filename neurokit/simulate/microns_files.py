"""A simulated mouse's recording in the files a digital twin is trained on, and the truth beside them.

    training_data/                trials shown once, to fit and to validate (see `neurokit.data.trial_folder`)
    evaluation_data/              natural clips, several times each
    new_stimuli/<kind>/           the same for each of NEW_STIMULI
    truth.npz                     what nobody knows of a real mouse (see `neurokit.data.simulated_mice`)

Behaviour is in standard deviations and units in multiples of their mean; both statistics are those of the
trials to fit, everywhere.

Letters: T frames, N cells, V clips of a kind, R repeats.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from neurokit.data.trial_folder import Trial, Video, write_trials, write_videos
from neurokit.errors import SettingsError
from neurokit.files import written
from neurokit.simulate.microns import Presentation, SimulatedMouse
from neurokit.simulate.video_behaviour import Behaviour
from neurokit.simulate.video_stimuli import NATURAL

TRUTH = "truth.npz"


@dataclass(frozen=True, eq=False)
class Scales:
    """Mean and standard deviation over all frames of the trials to fit.

    Attributes:
        perspective: rows mean and standard deviation, columns pupil x and y, deg.
        modulation: the same for pupil radius (camera pixels) and treadmill (cm/s).
        units: mean activity, events per frame.
    """

    perspective: Float[np.ndarray, "2 2"]
    modulation: Float[np.ndarray, "2 2"]
    units: Float[np.ndarray, "N"]

    def trial(self, name: str, shown: Presentation, *, training: bool = False) -> Trial:
        """A presentation as it is written."""
        return Trial(
            name=name,
            training=training,
            stimulus=shown.stimulus,
            perspective=_standardised(shown.behaviour.perspective, self.perspective),
            modulation=_standardised(_modulation(shown.behaviour), self.modulation),
            units=(shown.activity / self.units).astype(np.float32),
        )

    def behaviour(
        self, perspective: Float[np.ndarray, "T 2"], modulation: Float[np.ndarray, "T 2"]
    ) -> Behaviour:
        """What was measured, from what is written."""
        modulation = self.modulation[0] + self.modulation[1] * modulation
        return Behaviour(self.perspective[0] + self.perspective[1] * perspective, *modulation.T)


def scales(recording: SimulatedMouse) -> Scales:
    """The statistics with which a recording is written.

    Raises SettingsError where a cell had no event in the trials to fit.
    """
    fitted = [shown for shown, fit in zip(recording.once, recording.fit, strict=True) if fit]
    units = np.concatenate([shown.activity for shown in fitted]).mean(axis=0)
    if not units.all():
        silent = np.flatnonzero(units == 0)
        raise SettingsError(
            f"{recording.parameters.minutes} minutes are too short: {len(silent)} cells (first: {silent[0]}) "
            "had no event in the trials to fit; simulate more minutes."
        )
    return Scales(
        perspective=_statistics([shown.behaviour.perspective for shown in fitted]),
        modulation=_statistics([_modulation(shown.behaviour) for shown in fitted]),
        units=units,
    )


def write_recording(recording: SimulatedMouse, folder: str | Path) -> Path:
    """Writes the trial folders and, last, the truth; returns `folder`.

    Raises SettingsError for a recording that is too short (see `scales`), DiskError where files cannot be
    written.
    """
    folder, found = Path(folder), scales(recording)
    trials = zip(recording.once, recording.fit.tolist(), strict=True)
    write_trials(
        folder / "training_data",
        (found.trial(str(i), shown, training=fit) for i, (shown, fit) in enumerate(trials)),
    )
    for kind in recording.repeated:
        write_videos(videos_folder(folder, kind), _videos(recording, found, kind))
    _write_truth(recording, found, folder / TRUTH)
    return folder


def videos_folder(folder: str | Path, kind: str = NATURAL) -> Path:
    """Where a recording's repeated clips of a kind are."""
    return Path(folder) / ("evaluation_data" if kind == NATURAL else f"new_stimuli/{kind}")


def _videos(recording: SimulatedMouse, found: Scales, kind: str) -> Iterator[Video]:
    for clip, repeats in enumerate(recording.repeated[kind]):
        yield Video(str(clip), tuple(found.trial(str(i), shown) for i, shown in enumerate(repeats)))


def _write_truth(recording: SimulatedMouse, found: Scales, path: Path) -> None:
    sight, custom = recording.mouse.sight, recording.mouse.custom
    parts = {"cell": sight.cells, "custom": custom, "scales": found}
    arrays = {
        f"{part}_{each.name}": getattr(of, each.name) for part, of in parts.items() for each in fields(of)
    }
    for kind in recording.repeated:
        arrays[f"expected_{kind}"] = _expected(recording, found, kind)
        for name, values in vars(recording.ceilings(kind)).items():
            arrays[f"ceiling_{kind}_{name}"] = values
    with written(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            parameters=np.array(recording.parameters.to_json()),
            pixels_per_degree=sight.pixels_per_degree,
            rest=sight.rest,
            arousal=recording.mouse.arousal,
            **arrays,
        )


def _expected(recording: SimulatedMouse, found: Scales, kind: str) -> Float32[np.ndarray, "V R T N"]:
    """What a twin that knows all would predict, in multiples of the units' means."""
    clips = recording.repeated[kind]
    return np.array([[shown.expected / found.units for shown in clip] for clip in clips], dtype=np.float32)


def _modulation(behaviour: Behaviour) -> Float[np.ndarray, "T 2"]:
    return np.stack([behaviour.radius, behaviour.speed], axis=1)


def _statistics(values: list[Float[np.ndarray, "T 2"]]) -> Float[np.ndarray, "2 2"]:
    every = np.concatenate(values)
    return np.stack([every.mean(axis=0), every.std(axis=0)])


def _standardised(
    values: Float[np.ndarray, "T 2"], statistics: Float[np.ndarray, "2 2"]
) -> Float32[np.ndarray, "T 2"]:
    return ((values - statistics[0]) / statistics[1]).astype(np.float32)
