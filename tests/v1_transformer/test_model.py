"""The V1 Transformer: its sizes, what each part does, what it must not know, and that it learns."""

import json

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurokit.errors import DataError, SettingsError
from neurokit.training.fit import fit
from neurokit.training.settings import FitSettings
from neurokit.v1_transformer.clips import ClipBatch, Clips
from neurokit.v1_transformer.config import SMALL_MODEL as SMALL
from neurokit.v1_transformer.config import TransformerSettings
from neurokit.v1_transformer.features import split_movie
from neurokit.v1_transformer.model import (
    Additive,
    Attention,
    Film,
    PartLoss,
    V1Transformer,
    absolute_error,
    build,
)
from tests.v1_transformer.toys import FRAMES, LENGTH, toy_clips

TOY = TransformerSettings(
    frame=(8, 16),
    clip_length=5,
    before=1,
    patch=4,
    step=4,
    width=12,
    heads=3,
    spatial_layers=2,
    temporal_layers=2,
    dropout=0.0,
    patch_dropout=0.0,
)
NEURONS = 7


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def clip(batch: int = 2, settings: TransformerSettings = TOY) -> tuple[Tensor, Tensor]:
    """Frames E T C H W and running E T 2 of some clips that share nothing."""
    frames = random(batch, settings.clip_length, 1 + settings.before, *settings.frame)
    return frames, random(batch, settings.clip_length, 2, seed=1)


def ask(model: nn.Module, frames: Tensor, running: Tensor | None = None) -> Tensor:
    """The model's answers in one repeat: E N or E T N."""
    shown = torch.arange(frames.shape[0] * frames.shape[1], device=frames.device).view(frames.shape[:2])
    return model(frames.flatten(0, 1), shown, None if running is None else running[None])[0]


def toy(seed: int = 0, **changes: object) -> V1Transformer:
    return build(NEURONS, TOY.replace(**changes), seed=seed)


def awake(model: V1Transformer) -> V1Transformer:
    """Weights that are no longer zero, so that running counts, in evaluation mode."""
    for index, parameter in enumerate(model.parameters()):
        parameter.data += 0.1 * random(*parameter.shape, seed=index)
    return model.eval()


# --- sizes


@pytest.mark.parametrize("running", ["film", "additive", None])
@pytest.mark.parametrize(("head", "shape"), [("pooled", (2, NEURONS)), ("per_frame", (2, 5, NEURONS))])
@pytest.mark.parametrize("registers", [0, 3])
def test_shapes(running: str | None, head: str, shape: tuple[int, ...], registers: int) -> None:
    assert ask(toy(running=running, head=head, registers=registers), *clip()).shape == shape


def numbers(settings: TransformerSettings, neurons: int) -> int:
    """Parameters counted by hand."""
    width, hidden = settings.width, settings.expansion * settings.width
    patch = (1 + settings.before) * settings.patch**2 * width + width
    rows, columns = ((side - settings.patch) // settings.step + 1 for side in settings.frame)
    places = rows * columns
    learned = (places + settings.registers + settings.clip_length) * width + settings.clip_length
    mixed = places * width * width + width
    attention = 3 * (width**2 + width) + width**2 + width
    perceptron = width * hidden + hidden + hidden * width + width
    blocks = (settings.spatial_layers + settings.temporal_layers) * (4 * width + attention + perceptron)
    outputs = {"film": 2 * width, "additive": width, None: 0}[settings.running]
    modulation = 3 * width + width * outputs + outputs if outputs else 0
    return patch + mixed + learned + blocks + modulation + 2 * width + width * neurons + neurons


@pytest.mark.parametrize(
    "settings",
    [
        TransformerSettings(),
        SMALL,
        TOY,
        TOY.replace(registers=4, running="additive"),
        TOY.replace(running=None),
    ],
)
def test_the_number_of_parameters(settings: TransformerSettings) -> None:
    model = build(NEURONS, settings, seed=0)
    assert sum(parameter.numel() for parameter in model.parameters()) == numbers(settings, NEURONS)


def test_the_two_sets_of_sizes() -> None:
    model = build(NEURONS, SMALL, seed=0)
    assert SMALL.grid == (4, 11) and TransformerSettings().grid == (4, 11)
    assert ask(model, *clip(1, SMALL)).shape == (1, NEURONS)


def test_a_model_comes_back_from_plain_data() -> None:
    model = toy(running="additive")
    again = V1Transformer(**json.loads(json.dumps(model.configuration)))
    assert again.settings == model.settings
    again.load_state_dict(model.state_dict())


# --- attention


def by_softmax(attention: Attention, tokens: Tensor) -> Tensor:
    """Attention token by token and head by head, from its weights."""
    queries, keys, values = attention.query_key_value(tokens).chunk(3, dim=-1)
    size = tokens.shape[-1] // attention.heads
    mixed = torch.zeros_like(tokens)
    for head in range(attention.heads):
        part = slice(head * size, (head + 1) * size)
        for place in range(tokens.shape[1]):
            upto = place + 1 if attention.causal else tokens.shape[1]
            scores = (keys[:, :upto, part] * queries[:, place : place + 1, part]).sum(-1) / size**0.5
            weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
            mixed[:, place, part] = (weights[..., None] * values[:, :upto, part]).sum(1)
    return mixed @ attention.output.weight.T + attention.output.bias


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_its_formula(causal: bool) -> None:
    attention = Attention(12, 3, causal).double().eval()
    tokens = 2 * random(2, 6, 12).double()
    found = attention(tokens)
    torch.testing.assert_close(found, by_softmax(attention, tokens), atol=1e-12, rtol=0)
    attention.causal = not causal
    assert not torch.allclose(by_softmax(attention, tokens), found, atol=1e-3)


@pytest.mark.parametrize("name", ["dropout", "patch_dropout"])
def test_dropout_acts_in_training_only(name: str) -> None:
    model = awake(toy(**{name: 0.5})).train()
    assert not torch.allclose(ask(model, *clip()), ask(model, *clip()), atol=1e-4)
    model.eval()
    assert torch.equal(ask(model, *clip()), ask(model, *clip()))


# --- time


def changed_after(moment: int) -> tuple[Tensor, Tensor]:
    frames, running = (tensor.clone() for tensor in clip())
    frames[:, moment + 1 :], running[:, moment + 1 :] = 3 * random(1, seed=5), -2.0
    return frames, running


@pytest.mark.parametrize("moment", [0, 2, 3])
def test_a_causal_model_does_not_know_the_future(moment: int) -> None:
    before = slice(0, moment + 1)
    for causal in (True, False):
        model = awake(toy(causal=causal, head="per_frame", registers=2))
        plain, changed = ask(model, *clip()), ask(model, *changed_after(moment))
        past = (plain - changed)[:, before].abs().max()
        assert past <= 1e-6 if causal else past > 1e-3
        assert (plain - changed)[:, moment + 1 :].abs().min(dim=0).values.max() > 1e-3


def test_a_causal_model_says_the_same_of_a_clip_cut_short() -> None:
    model = awake(toy(causal=True, head="per_frame"))
    frames, running = clip()
    cut, whole = ask(model, frames[:, :3], running[:, :3]), ask(model, frames, running)
    torch.testing.assert_close(cut, whole[:, :3])
    with pytest.raises(RuntimeError):
        ask(model, frames.repeat(1, 2, 1, 1, 1), running.repeat(1, 2, 1))


def test_patches_of_a_causal_model_still_see_one_another() -> None:
    encoder = awake(toy(causal=True)).frame_encoder
    frames = clip()[0].flatten(0, 1)
    changed = frames.clone()
    changed[..., -4:, -4:] = 3.0  # the last patch
    tokens = [encoder.between(encoder.patches(each) + encoder.positions) for each in (frames, changed)]
    assert (tokens[0] - tokens[1])[:, 0].abs().max() > 1e-3  # the first one knows


@pytest.mark.parametrize("learned", [True, False])
def test_the_order_of_frames_is_known_by_their_positions_alone(learned: bool) -> None:
    model = awake(toy(memory=None))
    model.recency.data.zero_()
    if not learned:
        model.times.data.zero_()
    frames, running = clip()
    same = torch.allclose(ask(model, frames, running), ask(model, frames.flip(1), running.flip(1)), atol=1e-5)
    assert same is not learned


# --- space


def swapped_patches(frames: Tensor) -> Tensor:
    """The left half of each frame on the right: other places for the same patches."""
    return torch.cat([frames[..., 8:], frames[..., :8]], dim=-1)


@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("registers", [0, 2])
def test_the_order_of_patches_is_known_by_their_positions_alone(learned: bool, registers: int) -> None:
    encoder = awake(toy(registers=registers)).frame_encoder
    if not learned:
        encoder.positions.data.zero_()
    frames = clip()[0].flatten(0, 1)
    means = [
        encoder.between(encoder.patches(f) + encoder.positions).mean(1)
        for f in (frames, swapped_patches(frames))
    ]
    same = torch.allclose(*means, atol=1e-5)
    assert same is not learned


def test_patches_are_numbered_row_by_row() -> None:
    patches = toy(start="random").eval().frame_encoder.patches
    frame = torch.zeros(1, 2, 8, 16)
    dark = patches(frame)
    frame[0, :, 4:, 8:12] = 1  # second row of two, third column of four
    lit = (patches(frame) - dark).abs().sum(dim=-1)[0] > 1e-4
    assert lit.tolist() == [index == 6 for index in range(8)]


def test_each_frame_is_described_by_itself() -> None:
    encoder = awake(toy()).frame_encoder
    frames = clip()[0].flatten(0, 1)
    alone = torch.cat([encoder(frame) for frame in frames.split(1)])
    torch.testing.assert_close(encoder(frames), alone)


def test_registers_take_part_and_are_not_read() -> None:
    encoder = awake(toy(registers=2)).frame_encoder
    frames = clip()[0].flatten(0, 1)
    before = encoder(frames)
    encoder.registers.data += random(2, TOY.width, seed=9)
    assert not torch.allclose(encoder(frames), before, atol=1e-4)
    encoder.blocks = nn.Identity()
    with_large = encoder(frames)
    encoder.registers.data += 1e3
    assert torch.equal(encoder(frames), with_large)


# --- running


@pytest.mark.parametrize("running", ["film", "additive"])
def test_the_model_starts_with_the_stimulus_only(running: str) -> None:
    model, (frames, speed) = toy(running=running).eval(), clip()
    assert torch.equal(ask(model, frames, speed), ask(model, frames, 10 * speed))
    awake(model)
    assert not torch.allclose(ask(model, frames, speed), ask(model, frames, 10 * speed), atol=1e-3)


def test_a_model_without_modulation_does_not_read_running() -> None:
    model, (frames, speed) = awake(toy(running=None)), clip()
    assert torch.equal(ask(model, frames), ask(model, frames, speed))


def test_film_scales_and_shifts_and_the_other_shifts() -> None:
    frames, running = random(2, 5, 3), random(4, 2, 5, 2, seed=1)
    film, additive = Film(3), Additive(3)
    film.of_running[-1].bias.data = torch.tensor([0.5, 0.0, -1.0, 1.0, 2.0, 3.0])
    expected = frames * torch.tensor([1.5, 1.0, 0.0]) + torch.tensor([1.0, 2.0, 3.0])
    torch.testing.assert_close(film(frames, running), expected.expand(4, -1, -1, -1))
    additive.of_running[-1].bias.data = torch.tensor([1.0, 2.0, 3.0])
    shifted = (frames + torch.tensor([1.0, 2.0, 3.0])).expand(4, -1, -1, -1)
    torch.testing.assert_close(additive(frames, running), shifted)


def test_missing_running_is_refused() -> None:
    with pytest.raises(DataError, match="running is missing"):
        ask(toy(), clip()[0])


# --- weights


@pytest.mark.parametrize("running", ["film", "additive"])
@pytest.mark.parametrize("head", ["pooled", "per_frame"])
def test_gradients_reach_every_parameter(running: str, head: str) -> None:
    model = awake(toy(running=running, head=head, registers=2))
    ask(model, *clip()).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_at_the_start_only_the_way_to_the_zero_weights_gets_no_gradient() -> None:
    model = toy()
    ask(model, *clip()).square().sum().backward()
    still = {name for name, p in model.named_parameters() if p.numel() and not p.grad.any()}
    last = ("attention.output", "perceptron.2")
    blocks = {n for n, _ in model.named_parameters() if "blocks." in n or "time_encoder." in n}
    silent = {name for name in blocks if not name.rsplit(".", 1)[0].endswith(last)}
    assert still == {"modulation.of_running.0.weight", "modulation.of_running.0.bias", *silent}


def test_the_seed_draws_the_weights_and_leaves_the_generator() -> None:
    state = torch.random.get_rng_state()
    one, same, other = (toy(seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["readout.weight"], other["readout.weight"])


def test_the_model_follows_dtype_and_device() -> None:
    model, inputs = awake(toy()), clip()
    doubled = ask(model, *inputs).double()
    found = ask(model.double(), *(tensor.double() for tensor in inputs))
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, doubled, atol=1e-4, rtol=0)
    assert ask(model.float().to("meta"), *(t.to("meta") for t in inputs)).device.type == "meta"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"width": 10}, "width 10 cannot be divided into 3 heads"),
        ({"width": 15}, "width 15 cannot be divided into 3 heads and into pairs"),
        ({"patch": 9}, r"patch is 9; use one that fits into both sides of frame \(8, 16\)"),
        ({"frame": (0, 16)}, r"frame is \(0, 16\)"),
        ({"frame": (3, 16)}, "patch is 4"),
        ({"step": 0}, "step is 0"),
        ({"before": -1}, "before is -1"),
        ({"memory": 0.0}, "memory is 0.0; use a positive"),
        ({"patch_dropout": 1.0}, "patch_dropout is 1.0"),
        ({"heads": 0}, "heads is 0; use a whole number of 1 or more"),
        ({"registers": -1}, "registers is -1; use a whole number of 0 or more"),
        ({"dropout": 1.0}, "dropout is 1.0"),
    ],
)
def test_impossible_settings_are_refused(changes: dict, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        TOY.replace(**changes)


@pytest.mark.parametrize(
    ("name", "word", "says"),
    [
        ("start", "sobel", "start is 'sobel'; use one of gabor, random"),
        ("running", "speed", "running is 'speed'; use one of film, additive, or None"),
        ("head", "last", "head is 'last'; use one of pooled, per_frame"),
    ],
)
def test_unknown_words_are_refused(name: str, word: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        TOY.replace(**{name: word})


# --- the loss, and learning


def test_the_loss_is_the_mean_absolute_error() -> None:
    model, (frames, running) = awake(toy()), clip()
    responses = random(3, 2, NEURONS, seed=3)
    speeds = torch.stack([running, -running, 0 * running])
    with torch.no_grad():
        shown = torch.arange(2 * TOY.clip_length).view(2, -1)
        batch = ClipBatch(frames.flatten(0, 1), shown, speeds, responses)
        total, number = absolute_error(model, batch)
        answers = np.stack([ask(model, frames, speed).numpy() for speed in speeds])
        expected = np.abs(answers - responses.numpy()).mean()
    assert float(total / number) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("per_frame", [False, True])
def test_fit_trains_it_as_it_is(per_frame: bool) -> None:
    clips = toy_clips(split_movie(FRAMES, clip=LENGTH + 1, lag=2), before=1, per_frame=per_frame)
    settings = TOY.replace(head="per_frame" if per_frame else "pooled", registers=0)
    fitted = fit(
        build(4, settings, seed=0),
        absolute_error,
        clips,
        PartLoss(clips, absolute_error),
        FitSettings(epochs=2, schedule="cosine", warm_up=1),
        show_progress=False,
    )
    assert np.isfinite(fitted.history[["train_loss", "validation_loss"]]).all(axis=None)


def brightness_movie(shuffled: bool) -> Clips:
    """A flickering movie whose neurons follow its brightness, or that of another moment, with some noise."""
    random = np.random.default_rng(0)
    brightness = random.normal(size=300)
    pixels = 128 + 30 * brightness[:, None, None] + 10 * random.normal(size=(300, 8, 16))
    order = random.permutation(300) if shuffled else np.arange(300)
    clean = brightness[order][:, None] * np.array([1.0, -2.0, 0.5])
    responses = (clean + 0.1 * random.normal(size=(2, 300, 3))).astype(np.float32)
    frames = pixels.clip(0, 255).astype(np.uint8)
    return Clips(frames, responses, split_movie(300, clip=2, lag=1), length=2)


def lowest_correlation(clips: Clips) -> float:
    """Of predicted and true responses on test clips, the lowest of the neurons."""
    settings = TOY.replace(
        clip_length=2, before=0, start="random", running=None, spatial_layers=1, temporal_layers=1
    )
    model = fit(
        build(3, settings, seed=0),
        absolute_error,
        clips,
        PartLoss(clips, absolute_error),
        FitSettings(epochs=8, learning_rate=5e-3),
        show_progress=False,
    ).model.eval()
    batches = list(clips.batches("test", 64))
    with torch.no_grad():
        predicted = torch.cat([model(batch.frames, batch.shown)[0] for batch in batches]).numpy()
    true = torch.cat([batch.responses for batch in batches], 1).mean(dim=0).numpy()
    return min(np.corrcoef(predicted[:, neuron], true[:, neuron])[0, 1] for neuron in range(3))


def test_it_learns_what_follows_the_movie_and_nothing_else() -> None:
    assert lowest_correlation(brightness_movie(shuffled=False)) > 0.9
    assert lowest_correlation(brightness_movie(shuffled=True)) < 0.3
