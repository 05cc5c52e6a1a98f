"""Faster training steps: compiled, as CUDA graphs and in mixed precision, each against the plain one."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurokit.digital_twin.clips import MouseClips
from neurokit.digital_twin.network import network as foundation_network
from neurokit.digital_twin.network import perspective
from neurokit.digital_twin.training import ClipLoss, CohortNetwork
from neurokit.errors import SettingsError
from neurokit.sensorium import model as shifter
from neurokit.sensorium import readout
from neurokit.sensorium import training as sensorium
from neurokit.sensorium.config import MODEL_4, MouseShape
from neurokit.sensorium.features import MouseBatch
from neurokit.sensorium.model import make_model
from neurokit.training import device as computing
from neurokit.training.device import Compile, autocast, check_compile, clone_gradients, compile_loss
from neurokit.training.fit import Rows, fit, masked_squared_error
from neurokit.training.settings import FitSettings
from neurokit.v1_transformer import model as transformer
from neurokit.v1_transformer.clips import ClipBatch
from neurokit.v1_transformer.config import TransformerSettings
from tests.digital_twin.toys import CONFIG, toy_network, toy_trials

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here: graphs are unmeasured")
DEVICES = ["cpu", pytest.param("cuda", marks=CUDA)]
WAYS = [("cpu", "default"), *(pytest.param("cuda", way, marks=CUDA) for way in ("default", "graphs"))]
SETTINGS = FitSettings(epochs=3, batch_size=4, learning_rate=0.02)
ROUNDING = 1e-5  # of a gradient's norm: sums in another order, at 24 bits
EIGHT_BITS = (
    5 * 2.0**-8
)  # bfloat16 rounds each product by up to 2^-8; errors of some dozen layers partly cancel
Step = tuple[nn.Module, Callable[[nn.Module, Any], tuple[Tensor, Tensor]], list[Any]]


def normal(*shape: int, device: str = "cpu", seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(device)


def toy_step(device: str) -> Step:
    """Dropout, so that random numbers are drawn, and two sizes of batch."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Dropout(0.4), nn.Linear(5, 3), nn.Softplus())
    rows = [normal(10, 6, 2), normal(10, 6, 3, seed=2).abs(), torch.ones(10, 6, dtype=torch.bool)]
    halves = [[values[part].to(device) for values in rows] for part in (slice(7), slice(7, 10))]
    return model.to(device), masked_squared_error, halves


def sensorium_step(device: str) -> Step:
    """Model 4 with few channels: positions drawn, history, state and gain."""
    shapes = {"a-1": MouseShape(neurons=20, trials=50), "b-2": MouseShape(neurons=31, trials=60)}
    where = {key: normal(shape.neurons, 3).numpy().astype(np.float64) for key, shape in shapes.items()}
    settings = MODEL_4.replace(channels=4, layers=2)
    model = make_model(shapes, settings, seed=0, coordinates=where).to(device)

    def batch(key: str) -> MouseBatch:
        sizes = {"images": (36, 64), "behaviour": (3,), "pupil_center": (2,), "state": (10,)}
        inputs = {name: normal(6, *size, device=device) for name, size in sizes.items()}
        inputs["history"] = normal(6, shapes[key].neurons, 5, device=device)
        inputs["rank"] = torch.arange(6, device=device)
        return MouseBatch(key, inputs, normal(6, shapes[key].neurons, device=device).abs(), 2.0)

    return model, sensorium.loss, [batch(key) for key in shapes]


def transformer_step(device: str) -> Step:
    sizes = TransformerSettings(
        frame=(8, 8),
        clip_length=4,
        before=1,
        patch=4,
        step=2,
        width=8,
        heads=2,
        spatial_layers=1,
        temporal_layers=1,
    )
    model = transformer.build(5, sizes, seed=0).to(device)
    shown = torch.arange(4, device=device) + torch.arange(3, device=device)[:, None]
    running = normal(2, 3, 4, 2, device=device)
    batch = ClipBatch(normal(6, 2, 8, 8, device=device), shown, running, normal(2, 3, 5, device=device))
    return model, transformer.absolute_error, [batch]


def twin_step(device: str) -> Step:
    model = CohortNetwork({"m": toy_network()}).to(device)
    mouse = MouseClips("m", toy_trials(), CONFIG, device)
    return model, ClipLoss(2), [mouse.draw(4, torch.Generator().manual_seed(1), stream=0)]


def gradients(step: Step, loss: Callable | None = None, precision: str = "float32") -> tuple[float, Tensor]:
    """Loss and all gradients of a step of several batches, which are added up as `fit` does."""
    model, plain, batches = step
    model.train().zero_grad(set_to_none=True)
    torch.manual_seed(3)
    device, losses = next(model.parameters()).device, []
    for batch in batches:
        if hasattr(batch, "generator"):
            batch.generator.manual_seed(4)
        with autocast(device, precision):
            total, number = (loss or plain)(model, batch)
        (total / number).backward()
        losses.append(float(total.detach() / number))
    found = [p.grad.flatten().cpu() for p in model.parameters() if p.grad is not None]
    return sum(losses), torch.cat(found)


def off(found: tuple[float, Tensor], wanted: tuple[float, Tensor]) -> float:
    """The larger of two relative differences: of the loss, and of all gradients as one vector."""
    of_loss = abs(found[0] - wanted[0]) / abs(wanted[0])
    return max(of_loss, float((found[1] - wanted[1]).norm() / wanted[1].norm()))


def compiles(kind: str) -> None:
    if reason := computing._hindrance(kind):
        pytest.skip(f"torch cannot compile for {kind} here: {reason}")


# --- compiled


@pytest.mark.slow
@pytest.mark.parametrize(("device", "way"), WAYS)
def test_a_compiled_step_is_the_plain_step(device: str, way: Compile) -> None:
    """With dropout: the random numbers are the same, or nothing would agree."""
    compiles(device)
    step = toy_step(device)
    model, plain, _ = step
    with compile_loss(plain, way, model, torch.device(device)) as loss:
        assert off(gradients(step, loss), gradients(step)) < ROUNDING
        assert off(gradients(step, loss), gradients(step)) < ROUNDING  # a graph's first replay
    other = [[batch[0], 2 * batch[1], batch[2]] for batch in step[2]]
    assert off(gradients((model, plain, other)), gradients(step)) > 0.1  # the negative control


def compiled_difference(make: str, device: str, way: Compile, backend: str) -> float:
    """How far a model's own step is off when compiled."""
    if backend != "inductor":
        compile, computing._hindrance = torch.compile, lambda kind: ""
        torch.compile = lambda loss, **_: compile(loss, backend=backend)
    step = globals()[make](device)
    with compile_loss(step[1], way, step[0], torch.device(device)) as loss:
        return off(gradients(step, loss), gradients(step))


@pytest.mark.slow
@pytest.mark.parametrize(("device", "way"), WAYS)
@pytest.mark.parametrize("make", ["sensorium_step", "transformer_step", "twin_step"])
def test_the_models_own_steps_are_the_same_compiled(make: str, device: str, way: Compile, root: Path) -> None:
    """In a process of its own: here shapes are checked while the code runs, which torch cannot compile.

    To compile every frame of a twin takes a CPU many minutes, so its traced operations run as they are.
    """
    compiles(device)
    backend = "aot_eager" if (make, device) == ("twin_step", "cpu") else "inductor"
    asked = f"compiled_difference({make!r}, {device!r}, {way!r}, {backend!r})"
    code = f"from tests.training.test_compiling import *; print({asked})"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout) < ROUNDING


def trained(compile: Compile = "none", epochs: int = 3, checkpoint: Path | None = None) -> Any:
    model, loss, batches = toy_step("cpu")
    rows = Rows(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
    settings = SETTINGS.replace(epochs=epochs)
    options = {"compile": compile, "checkpoint": checkpoint, "show_progress": False}
    return fit(model, loss, rows, rows, settings, **options)


@pytest.mark.slow
def test_a_compiled_run_is_the_plain_run_and_goes_on_with_its_checkpoint(tmp_path: Path) -> None:
    compiles("cpu")
    plain, path = trained(), tmp_path / "run.training"
    trained(epochs=1, checkpoint=path)
    for run in (trained("default"), trained("default", checkpoint=path)):
        assert run.history.to_numpy() == pytest.approx(plain.history.to_numpy(), rel=1e-5)
        state = run.model.state_dict()
        assert state.keys() == plain.model.state_dict().keys()
        for name, values in plain.model.state_dict().items():
            assert torch.allclose(state[name], values, rtol=1e-4, atol=1e-6), name
    assert not torch.equal(trained(epochs=1).model[0].weight, plain.model[0].weight)


class Reused(torch.autograd.Function):
    """Hands out its gradient in the same memory each time, as a CUDA graph does."""

    memory = torch.zeros(3)

    @staticmethod
    def forward(ctx: Any, values: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return values.sum() * factor

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return Reused.memory.fill_(ctx.factor).view(3), None


@pytest.mark.parametrize("copied", [True, False])
def test_gradients_are_added_up_though_a_graph_reuses_its_memory(copied: bool) -> None:
    model = nn.Linear(3, 1, bias=False)
    model.weight = nn.Parameter(torch.zeros(3))
    with clone_gradients(model) if copied else nullcontext():
        for factor in (1.0, 10.0):
            Reused.apply(model.weight, factor).backward()
    assert (model.weight.grad.tolist() == [11.0] * 3) == copied
    assert not model.weight._backward_hooks


# --- what cannot be


def test_graphs_without_cuda_are_refused() -> None:
    says = "compile is 'graphs', which needs CUDA, and the device is cpu: use 'default' or 'none'"
    with pytest.raises(SettingsError, match=says):
        check_compile("graphs", torch.device("cpu"))
    with pytest.raises(SettingsError, match=says):
        trained("graphs")


def test_another_word_is_refused() -> None:
    check = check_compile.__wrapped__ if hasattr(check_compile, "__wrapped__") else check_compile
    with pytest.raises(SettingsError, match="compile is 'fast'; use one of none, default, graphs"):
        check("fast", torch.device("cpu"))


def test_a_machine_that_cannot_compile_gives_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("No working C++ compiler found\nand pages more")

    computing._hindrance.cache_clear()
    monkeypatch.setattr(torch, "compile", failing)
    says = (
        r"cannot compile for cpu here \(No working C\+\+ compiler found\): install a C\+\+ compiler, or use"
    )
    with pytest.raises(SettingsError, match=says):
        trained("default")
    trained("none")
    computing._hindrance.cache_clear()


# --- mixed precision


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("make", [toy_step, sensorium_step, transformer_step, twin_step])
def test_mixed_precision_is_near_full_precision(make: Callable[[str], Step], device: str) -> None:
    step = make(device)
    difference = off(gradients(step, precision="bfloat16"), gradients(step))
    assert 0 < difference < EIGHT_BITS


@pytest.mark.parametrize(
    ("make", "modules"),
    [(sensorium_step, (readout, shifter)), (twin_step, (perspective, foundation_network))],
)
def test_it_would_not_be_if_places_were_coarse(
    make: Callable[[str], Step], modules: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in modules:
        monkeypatch.setattr(module, "full_precision", lambda device: nullcontext())
    step = make("cpu")
    assert off(gradients(step, precision="bfloat16"), gradients(step)) > 2 * EIGHT_BITS


# --- waiting


@CUDA
@pytest.mark.parametrize("make", [toy_step, sensorium_step, twin_step])
def test_a_step_on_a_gpu_does_not_wait_for_it(make: Callable[[str], Step]) -> None:
    """torch raises at the first read of the device; one read afterwards is the negative control."""
    model, loss, batches = make("cuda")
    optimizer = torch.optim.Adam(model.train().parameters())
    total = torch.zeros((), device="cuda")
    try:
        torch.cuda.set_sync_debug_mode("error")
        for batch in batches:
            found, number = loss(model, batch)
            (found / number.clamp_min(1)).backward()
            total += found.detach()
        optimizer.step()
        with pytest.raises(RuntimeError, match="synchroniz"):
            float(total)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@CUDA
def test_windows_reach_a_gpu_without_waiting_for_it() -> None:
    mouse = MouseClips("m", toy_trials(), CONFIG, "cuda")
    try:
        torch.cuda.set_sync_debug_mode("error")
        windows = mouse.draw(4, torch.Generator().manual_seed(1), stream=0)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    same = MouseClips("m", toy_trials(), CONFIG).draw(4, torch.Generator().manual_seed(1), stream=0)
    assert torch.equal(windows.video.cpu(), same.video)
