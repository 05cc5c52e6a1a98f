"""The foundation network's forward and backward pass: a clip at once against frame by frame.

    python benchmarks/speed_foundation.py

Both sides are the same network with the same weights and noise; frame by frame is sixteen calls that hand on
one sequence, and gradients go back through all of them. The released sizes with half of all widths: blocks of
16, 32 and 64 channels, 64 features, 128 hidden channels, attention between 256, in 8 heads, 64 outputs; eye,
modulation and memory 8 wide. One stream, 1,000 neurons, a retina of 64 x 96 before a monitor of 144 x 256,
clips of 16 frames, 4 at a time, the mean Poisson loss. `per_frame_ms` is our time for one frame of one clip.
Memory is what the peak of a fresh process grows by in its first pass.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

import paired
from neurokit.digital_twin.network.config import RELEASED, SMALL
from neurokit.digital_twin.network.network import FoundationNetwork, build_network

HALF = RELEASED.replace(
    retina=(64, 96),
    streams=1,
    eye_features=8,
    modulation_features=8,
    memory_features=8,
    channels=(16, 32, 64),
    features=64,
    hidden=128,
    common=256,
    outputs=64,
)
SIZE = {"frames": 16, "clips": 4, "units": 1000}
QUICK = {"frames": 4, "clips": 2, "units": 5}
TOLERANCE = 1e-4  # of a tensor's largest entry, in single precision
FRAMES, CLIP = "frame by frame", "neurokit, the clip at once"
Values = dict[str, Tensor]


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Compares, times and weighs both ways."""
    options = paired.options(__doc__, arguments)
    size, rounds = (QUICK, 1) if options.quick else (SIZE, 5)
    worst = paired.assert_equal(
        passing(options.quick, False)(), passing(options.quick, True)(), TOLERANCE, 1e-7
    )
    times = paired.timed(
        {FRAMES: passing(options.quick, True), CLIP: passing(options.quick, False)},
        options.rounds or rounds,
    )
    peaks = [paired.peak_alone(passing, options.quick, single) for single in (True, False)]
    facts = {"largest_difference": worst, "allocator": "as it comes", "threads": torch.get_num_threads()}
    speed = paired.compared(times, FRAMES, CLIP, work="forward and backward", aim=0.95, **facts)
    speed["per_frame_ms"] = round(speed["ours_ms"] / (size["frames"] * size["clips"]), 2)
    work = "forward and backward, memory"
    weight = paired.memory(*peaks, peer=FRAMES, ours=CLIP, work=work, aim=1, **facts)
    return paired.report("foundation", [speed, weight], options.quick, **size)


def passing(quick: bool, single: bool) -> Callable[[], Values]:
    """Forward and backward; gives the drives and all gradients. `single` hands over frame by frame."""
    network = stirred(quick)
    size = QUICK if quick else SIZE
    generator = torch.Generator().manual_seed(1)
    shape = size["frames"], size["clips"]
    video = torch.randint(0, 256, (*shape, *network.settings.monitor), generator=generator, dtype=torch.uint8)
    traces = torch.randn(2, *shape, 2, generator=generator)
    responses = torch.rand(*shape, size["units"], generator=generator)
    return partial(_passed, network, (video, *traces), responses, 1 if single else size["frames"])


def _passed(
    network: FoundationNetwork, inputs: tuple[Tensor, ...], responses: Tensor, stretch: int
) -> Values:
    network.zero_grad()
    sequence = network.begin(inputs[0].shape[1], generator=torch.Generator().manual_seed(2))
    stretches = zip(*(each.split(stretch) for each in inputs), strict=True)
    drive = torch.cat([network(*each, sequence) for each in stretches])
    network.unit.loss(drive, responses).mean().backward()
    return {"drive": drive.detach()} | {name: each.grad for name, each in network.named_parameters()}


def stirred(quick: bool) -> FoundationNetwork:
    """In training, and with weights in all that starts silent, so that every parameter has an effect."""
    size, settings = (QUICK, SMALL.replace(recurrence="attention")) if quick else (SIZE, HALF)
    network, generator = build_network(size["units"], settings, seed=0), torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1, generator=generator)
    return network.train()


if __name__ == "__main__":
    main()
