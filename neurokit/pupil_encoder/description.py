"""A recording in a few lines: what it holds, what training uses of it, and what is missing.

Letters: K trials, T bins.
"""

import numpy as np
from jaxtyping import Float

from neurokit.arguments import explain_failure
from neurokit.pupil_encoder.features import MINIMUM_NEURONS, SEED_REGIONS, default_regions
from neurokit.pupil_encoder.recording import TrialRecording


@explain_failure
def describe(recording: TrialRecording) -> str:
    """Neurons, trials, bins, regions, those that training uses by default, channels, what is missing."""
    neurons, trials, bins = recording.spikes.shape
    regions = ", ".join(f"{name} {number}" for name, number in recording.regions().items())
    behaviour = ", ".join(_describe_channel(*channel) for channel in recording.behaviour.items())
    unknown = recording.trials.isna().sum()
    some = ", ".join(f"{name} of {n}" for name, n in unknown.items() if 0 < n < trials)
    lines = [
        recording.name,
        f"  {neurons} neurons, {trials} trials, {bins} spike bins of {1000 * recording.bin_size:g} ms",
        f"  regions   {regions}",
        f"  training  {_explain_regions(recording)}",
        f"  behaviour {behaviour or 'none'}",
        *([f"  unknown   {some} trials"] if some else []),
        *(f"  without   {omission}" for omission in recording.omissions),
        *(f"  note      {note}" for note in recording.notes),
    ]
    return "\n".join(lines)


def _describe_channel(name: str, values: Float[np.ndarray, "K T"]) -> str:
    """Its name, and how much of it was not measured."""
    missing = 1 - np.isfinite(values).mean()
    return f"{name} ({missing:.1%} not measured)" if missing else name


def _explain_regions(recording: TrialRecording) -> str:
    """Which regions training uses, and why others are left out."""
    if not recording.regions(MINIMUM_NEURONS):
        return f"no region has {MINIMUM_NEURONS} neurons: name those to use with --regions"
    used = default_regions(recording)
    first = used == SEED_REGIONS
    rule = "those of the first PupilEncoder" if first else f"those of {MINIMUM_NEURONS} neurons or more"
    unused = ", ".join(name for name in recording.regions() if name not in used)
    rest = f"; left out unless named with --regions: {unused}" if unused else ""
    return f"{', '.join(used)} ({rule}){rest}"
