"""Frame by frame or all at once, past and future, noise and streams: what a sequence promises."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neurokit.digital_twin.network.base import ClipState
from neurokit.digital_twin.network.config import SMALL as ONE_STREAM
from neurokit.digital_twin.network.config import FoundationSettings
from neurokit.digital_twin.network.network import FoundationNetwork, Noise, build_network

SMALL = ONE_STREAM.replace(streams=2, retina=(32, 48), recurrence="attention", spread=0.4, jitter=0.05)

FRAMES, CLIPS, UNITS = 21, 2, 5
SAME = 1e-11
TINY = SMALL.replace(pools=(2, 2, 1))
MINIMAL = FoundationSettings(
    monitor=(12, 16), retina=(16, 24), streams=1, eye_features=2, eye_layers=1, modulation_features=2,
    memory_features=2, channels=(2,), groups=(1,), layers=(2,), frames=(3,), kernel=(3,), pools=(4,),
    features=2, hidden=4, common=4, heads=2, outputs=2,
)  # fmt: skip


def stirred(settings: FoundationSettings, seed: int = 0) -> FoundationNetwork:
    """Every parameter away from where it starts, float64, so that everything has an effect."""
    network, generator = (
        build_network(UNITS, settings, seed=seed).double(),
        torch.Generator().manual_seed(seed),
    )
    for values in network.parameters():
        values.data += 0.2 * torch.randn(values.shape, generator=generator, dtype=torch.float64)
    return network


@pytest.fixture(params=["attention", "convolution"])
def network(request: pytest.FixtureRequest) -> FoundationNetwork:
    return stirred(TINY.replace(recurrence=request.param)).eval()


@pytest.fixture(autouse=True)
def without_gradients(request: pytest.FixtureRequest) -> Iterator[None]:
    with torch.set_grad_enabled("gradient" in request.node.name):
        yield


def clips(frames: int = FRAMES, seed: int = 0, settings: FoundationSettings = TINY) -> list[Tensor]:
    """Video, pupil, behaviour."""
    generator = torch.Generator().manual_seed(seed)
    size = (frames, CLIPS, *settings.monitor)
    video = torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)
    traces = (torch.randn(frames, CLIPS, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    return [video, *traces]


def drawn(seed: int = 0, batch: int = CLIPS) -> Noise:
    generator = torch.Generator().manual_seed(seed)
    shapes = (batch, 3), (batch, 3), (batch, UNITS, 2)
    return Noise(*(torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes))


def run(
    network: FoundationNetwork, inputs: list[Tensor], lengths: list[int] | None = None, **begin: Any
) -> Tensor:
    """The drive, in stretches of these lengths with one sequence."""
    sequence = network.begin(CLIPS, **begin)
    stretches = zip(*(each.split(lengths or [len(each)]) for each in inputs), strict=True)
    return torch.cat([network(*stretch, sequence) for stretch in stretches])


def apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


def kept(found: ClipState) -> dict[nn.Module, list[tuple[int, ...]]]:
    """Shapes of what it carries on."""
    states = {module: each if isinstance(each, tuple) else (each,) for module, each in found.state.items()}
    return {module: [tuple(each.shape) for each in state] for module, state in states.items()}


def stored(found: ClipState) -> int:
    """Bytes that what it carries on keeps in memory."""
    states = [each if isinstance(each, tuple) else (each,) for each in found.state.values()]
    return sum(each.untyped_storage().nbytes() for state in states for each in state)


# --- stretches


@pytest.mark.parametrize(
    "lengths", [[7, 7, 7], [1] * FRAMES, [2, 13, 1, 5]], ids=["sevens", "frame by frame", "uneven"]
)
@pytest.mark.parametrize("stream", [None, 1])
def test_how_frames_are_handed_over_does_not_matter(
    network: FoundationNetwork, stream: int | None, lengths: list[int]
) -> None:
    whole = run(network, clips(), stream=stream)
    assert whole.shape == (FRAMES, CLIPS, UNITS) and float(whole.std(dim=0).min()) > 1e-3
    assert apart(run(network, clips(), lengths, stream=stream), whole) < SAME


def test_a_sequence_begun_anew_remembers_nothing(network: FoundationNetwork) -> None:
    whole, inputs = run(network, clips()), clips()
    anew = torch.cat([network(*(each[start : start + 7] for each in inputs)) for start in (0, 7, 14)])
    assert apart(anew[:7], whole[:7]) < SAME
    assert apart(anew[7:14], whole[7:14]) > 1e-2
    assert apart(network(*inputs), whole) == 0


def test_sequences_do_not_meet(network: FoundationNetwork) -> None:
    inputs, others = clips(6), clips(6, seed=1)
    first, second, found = network.begin(CLIPS), network.begin(CLIPS), []
    for frame in range(6):
        found.append(network(*(each[frame : frame + 1] for each in inputs), first))
        network(*(each[frame : frame + 1] for each in others), second)
    assert apart(torch.cat(found), run(network, inputs)) < SAME


def test_clips_do_not_meet(network: FoundationNetwork) -> None:
    both, inputs = run(network, clips()), clips()
    for clip in range(CLIPS):
        alone = network(*(each[:, clip : clip + 1] for each in inputs))
        assert apart(alone[:, 0], both[:, clip]) < SAME
    assert apart(both[:, 0], both[:, 1]) > 1e-2


@pytest.mark.parametrize("core", ["attention", "convolution"])
def test_a_long_stream_needs_no_more_memory(core: str) -> None:
    network = stirred(MINIMAL.replace(recurrence=core)).eval()
    inputs, sequence, sizes = clips(10, settings=MINIMAL), network.begin(CLIPS), []
    for _ in range(100):
        network(*inputs, sequence)
        sizes.append((kept(sequence), stored(sequence), len(sequence.cache)))
    assert len(sizes[0][0]) == 4  # two convolutions and two LSTMs
    assert sizes[99] == sizes[0]


# --- past and future


@pytest.mark.parametrize("which", range(3), ids=["video", "pupil", "behaviour"])
def test_the_future_does_not_change_the_past(network: FoundationNetwork, which: int) -> None:
    inputs, other = clips(), clips()
    other[which][12:] = clips(seed=1)[which][12:]
    one, two = run(network, inputs), run(network, other)
    assert torch.equal(one[:12], two[:12])
    assert apart(one[12], two[12]) > 1e-4


@pytest.mark.parametrize("which", range(3), ids=["video", "pupil", "behaviour"])
def test_the_past_is_felt_long_after(network: FoundationNetwork, which: int) -> None:
    """Longer than the thirteen frames that convolutions see."""
    inputs, other = clips(), clips()
    other[which][0] = clips(seed=1)[which][0]
    assert apart(run(network, inputs)[18], run(network, other)[18]) > 1e-9


def test_gradients_reach_back_and_not_ahead(network: FoundationNetwork) -> None:
    video, pupil, behaviour = clips()
    pupil.requires_grad_(), behaviour.requires_grad_()
    drive = network(video, pupil, behaviour)
    for gradient in torch.autograd.grad(drive[10].sum(), (pupil, behaviour)):
        assert not gradient[11:].any()
        assert all(gradient[frame].any() for frame in range(11))


# --- the noise of training


def test_evaluation_has_no_noise(network: FoundationNetwork) -> None:
    before = torch.random.get_rng_state()
    generator = torch.Generator().manual_seed(0)
    one = run(network, clips(), generator=generator)
    assert torch.equal(one, run(network, clips(), generator=generator))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert network.begin(CLIPS).noise is None


def test_the_seed_decides_the_noise(network: FoundationNetwork) -> None:
    network.float().train()
    before, inputs = torch.random.get_rng_state(), [clips()[0], *(each.float() for each in clips()[1:])]
    seeds = (1, 1, 2)
    one, same, other = (run(network, inputs, generator=torch.Generator().manual_seed(s)) for s in seeds)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one, same) and apart(one, other) > 1e-2
    assert apart(one, run(network.eval(), inputs)) > 1e-2


def test_noise_is_drawn_once_and_held(network: FoundationNetwork) -> None:
    network.train()
    whole = run(network, clips(), noise=drawn())
    assert apart(run(network, clips(), [1] * FRAMES, noise=drawn()), whole) < SAME
    assert apart(run(network, clips(), [1] * FRAMES, noise=drawn(1)), whole) > 1e-2


def test_noise_moves_the_monitor_and_the_places_of_neurons(network: FoundationNetwork) -> None:
    """One clip with noise is the network in evaluation whose monitor and places are moved that far."""
    noise, inputs = drawn(batch=1), [each[:, :1] for each in clips()]
    found = network.train()(*inputs, network.begin(1, noise=noise))
    still = network.eval()(*inputs)
    monitor, position = network.perspective.monitor, network.readout.position
    monitor.center.data += monitor.center_std * noise.center[0]
    monitor.angle.data += monitor.angle_std * noise.angle[0]
    position.mu.data += torch.einsum("uij,uj->ui", position.sigma, noise.position[0])
    assert apart(network(*inputs), found) < SAME
    assert apart(still, found) > 1e-2


def test_clips_of_a_batch_have_noise_of_their_own(network: FoundationNetwork) -> None:
    twice = [each[:, :1].expand(-1, CLIPS, *each.shape[2:]) for each in clips()]
    found = run(network.train(), twice, noise=drawn())
    assert apart(found[:, 0], found[:, 1]) > 1e-2


# --- dropout


def masks(
    settings: FoundationSettings, generator: torch.Generator, batch: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Both masks of a training sequence, and the states that the core puts out: B T C h w."""
    network, states = stirred(settings).float().train(), []
    core = network.core.recurrent
    core.out.register_forward_pre_hook(lambda module, arguments: states.append(arguments[0]))
    video, *traces = (each[:, :1].expand(-1, batch, *each.shape[2:]) for each in clips(4, settings=settings))
    sequence = network.begin(batch, generator=generator)
    network(video, *(each.float() for each in traces), sequence)
    return *sequence.cache[core], states[0]


def test_dropped_channels_stay_dropped() -> None:
    keep_x, keep_h, states = masks(TINY.replace(dropout=0.3), torch.Generator().manual_seed(0), 3)
    silent = ~states.flatten(3).any(dim=3)  # B T C
    assert (silent == silent[:, :1]).all() and torch.equal(silent[:, 0], keep_h[..., 0, 0] == 0)
    assert 0 < silent.double().mean() < 1
    assert not torch.equal(silent[0], silent[1]) and not torch.equal(keep_x, keep_h)


def test_dropout_keeps_the_expectation() -> None:
    for mask in masks(MINIMAL.replace(dropout=0.3), torch.Generator().manual_seed(0), 1000)[:2]:
        found = mask.unique().tolist()
        assert found[0] == 0 and found[1:] == pytest.approx([1 / 0.7])
        deviation = (0.3 / 0.7 / mask.numel()) ** 0.5
        assert abs(float(mask.double().mean()) - 1) < 4 * deviation


def test_dropout_is_for_training() -> None:
    plain, dropping = stirred(TINY).eval(), stirred(TINY.replace(dropout=0.3)).eval()
    assert torch.equal(run(plain, clips()), run(dropping, clips()))
    begin = [{"noise": drawn(), "generator": torch.Generator().manual_seed(0)} for _ in range(2)]
    assert apart(run(plain.train(), clips(), **begin[0]), run(dropping.train(), clips(), **begin[1])) > 1e-2


def test_dropout_is_off_in_a_frozen_core() -> None:
    plain, dropping = stirred(TINY).train(), stirred(TINY.replace(dropout=0.3))
    dropping.freeze_shared()
    assert dropping.training
    frozen = run(dropping, clips(), noise=drawn(), generator=torch.Generator().manual_seed(0))
    assert torch.equal(frozen, run(plain, clips(), noise=drawn()))


# --- streams


def test_the_network_says_the_mean_of_its_streams_log_rates(network: FoundationNetwork) -> None:
    alone = [run(network, clips(), stream=stream) for stream in range(2)]
    assert apart(alone[0], alone[1]) > 0.1
    assert apart(run(network, clips()), (alone[0] + alone[1]) / 2) < SAME
    rates = network.rates(*clips())
    assert apart(rates, ((alone[0] + alone[1]) / 2).exp()) < SAME
    assert apart(rates, (alone[0].exp() + alone[1].exp()) / 2) > 1e-3


@pytest.mark.parametrize("stream", [0, 1])
def test_a_stream_alone_leaves_the_others_without_gradients(network: FoundationNetwork, stream: int) -> None:
    run(network.train(), clips(3), stream=stream, noise=drawn()).square().sum().backward()
    eye = {name for name, _ in network.named_parameters() if name.startswith("perspective.")}
    names = {name for name, _ in network.named_parameters()}
    of_streams = {name for name in names - eye if name.rsplit(".", 1)[-1].isdigit()}
    own = {name for name in of_streams if name.endswith(f".{stream}")}
    found = {name for name, values in network.named_parameters() if values.grad is not None}
    assert found == names - of_streams | own and len(own) == len(of_streams) / 2
    assert all(network.get_parameter(name).grad.any() for name in own)


def test_the_periphery_is_a_property_of_the_sequence(network: FoundationNetwork) -> None:
    dark, extended = (run(network, clips(), periphery=word) for word in ("dark", "extend"))
    assert torch.equal(dark, run(network, clips())) and apart(dark, extended) > 1e-3
