"""Collecting predictions and targets of a tier: tensors grown batch by batch, and `predict`.

    python benchmarks/speed_predictions.py

5,000 trials of 8,000 neurons, in batches of 128. The model's forward costs nothing: it hands out rates that
are there. The peer appends each batch's rates and responses to a tensor by `torch.cat`, as the starter kit
of SENSORIUM 2022 does, on batches of our own loader, so that loading is the same on both sides. Ours is
`neurokit.sensorium.predict`, and the tier's responses picked at once. Memory is what the peak of a fresh
process grows by.
"""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import paired
from neurokit.sensorium import MouseTrials, Scan, predict

SIZES = {"trials": 5000, "neurons": 8000, "batch": 128}
QUICK = {"trials": 300, "neurons": 500, "batch": 32}
PEER, OURS = "torch.cat for each batch", "neurokit"
Collected = dict[str, Tensor]


class Free(nn.Module):
    """A model whose rates are there before they are asked for."""

    def __init__(self, batch: int, neurons: int) -> None:
        super().__init__()
        self.rates = torch.rand(batch, neurons, generator=torch.Generator().manual_seed(0))

    def mouse(self, key: str) -> "Free":
        """The same for every mouse."""
        return self

    def forward(self, images: Tensor) -> Tensor:
        """As many rows as there are images."""
        return self.rates[: len(images)]


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Compares, times and weighs both ways."""
    options = paired.options(__doc__, arguments)
    size, rounds = (QUICK, 2) if options.quick else (SIZES, 5)
    peer, ours = theirs(size), neurokits(size)
    worst = paired.assert_equal(ours(), peer(), tolerance=0.0)
    facts = {"largest_difference": worst, "allocator": "as it comes", "threads": torch.get_num_threads()}
    times = paired.timed({PEER: peer, OURS: ours}, options.rounds or rounds, warm_up=0)
    del peer, ours  # frees memory for the new processes
    peaks = (paired.peak_alone(make, size) for make in (theirs, neurokits))
    work, between = "predictions and targets collected", {"peer": PEER, "ours": OURS}
    rows = [
        paired.compared(times, PEER, OURS, work=work, aim=10, **facts),
        paired.memory(*peaks, **between, work=f"{work}, memory", aim=1, **facts),
    ]
    return paired.report("predictions", rows, options.quick, **size)


def theirs(size: dict[str, int]) -> paired.Work:
    """Both tensors grow with each batch."""
    return partial(_grown, Free(size["batch"], size["neurons"]), trials_of(size), size["batch"])


def _grown(model: Free, mouse: MouseTrials, batch_size: int) -> Collected:
    rates, responses = torch.empty(0), torch.empty(0)
    with torch.no_grad():
        for batch in mouse.batches(mouse.trials("test"), batch_size):
            rates = torch.cat((rates, model(**batch.inputs).cpu()))
            responses = torch.cat((responses, batch.responses.cpu()))
    return {"predictions": rates, "targets": responses}


def neurokits(size: dict[str, int]) -> paired.Work:
    """Both arrays have their size from the beginning."""
    return partial(_collected, Free(size["batch"], size["neurons"]), trials_of(size), size["batch"])


def _collected(model: Free, mouse: MouseTrials, batch_size: int) -> Collected:
    rates = predict(model, {"mouse": mouse}, "test", batch_size=batch_size)["mouse"]
    responses = mouse.scan.responses[mouse.trials("test").numpy()]
    return {"predictions": torch.from_numpy(rates), "targets": torch.from_numpy(responses)}


def trials_of(size: dict[str, int]) -> MouseTrials:
    """A scan in memory whose trials all are test trials; nothing but responses is more than zeros."""
    T, N = size["trials"], size["neurons"]
    scan = Scan(
        key="1-1-1",
        images=np.zeros((T, 36, 64), np.float32),
        responses=np.random.default_rng(0).standard_exponential((T, N), dtype=np.float32),
        behaviour=np.zeros((T, 3)),
        pupil_center=np.zeros((T, 2)),
        tiers=np.full(T, "test"),
        image_ids=np.arange(T),
        trial_ids=np.arange(T),
        rank=np.arange(T),
        unit_ids=1 + np.arange(N),
        coordinates=np.zeros((N, 3)),
        response_scale=np.ones(N),
        statistics={},
        fingerprint="",
    )
    return MouseTrials(scan)


if __name__ == "__main__":
    main()
