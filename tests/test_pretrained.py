"""`load_pretrained`: each model that it opens is deterministic, in evaluation mode, causal where it must be.

Own checkpoints are trained for one epoch on small simulated recordings, so their scores mean nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurokit import Experiment, digital_twin, load_pretrained, pupil_encoder, sensorium, v1_transformer
from neurokit.errors import CheckpointError, SettingsError
from neurokit.files.sealed import open_json, seal_json
from neurokit.training import checkpoint
from tests.digital_twin.toys import CONFIG

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """One model: how it is made in a folder, what it is asked, and the input whose later part may not act."""

    make: Callable[[Path], Path]
    ask: Callable[[Any], Arrays]
    later: str | None = None
    causal: bool | None = None


def pupil(folder: Path) -> Path:
    pupil_encoder.simulate(folder / "mouse", trials=30)
    return trained("pupil-encoder", folder, size="small")


def images(folder: Path) -> Path:
    sensorium.simulate(folder / "mouse", trials=40)
    values = {"model.channels": 4, "model.layers": 2}
    return trained("sensorium", folder, size="small", values=values)


def movies(folder: Path) -> Path:
    v1_transformer.simulate(folder / "mouse", session_type="three_session_C", cells=6, frames=150, repeats=4)
    shape = {"shape": {"length": 4, "stride": 2, "before": 1}}
    sizes = {"frame": (10, 20), "patch": 5, "step": 5, "width": 8, "heads": 2, "spatial_layers": 1}
    return trained(
        "v1-transformer", folder, size="small", values=shape | {"model": sizes | {"temporal_layers": 1}}
    )


def video(folder: Path) -> Path:
    sizes = {"height": 12, "width": 16, "clip_frames": 40}
    digital_twin.simulate(folder / "mouse", minutes=0.5, cells=5, repeats=2, **sizes)
    return trained("digital-twin", folder, config=CONFIG)


def trained(system: str, folder: Path, **options: Any) -> Path:
    fixed = {"folder": folder / "mouse", "epochs": 1, "device": "cpu"}
    experiment = Experiment(system, **fixed, **options)
    return experiment.train().path


def ask_pupil(_: Any) -> Arrays:
    values = np.random.default_rng(0).normal(size=(2, 40))
    return {"bin_size": 0.01, "pupil_area": values, "pupil_x": values**2, "pupil_y": -values}


def ask_images(_: Any) -> Arrays:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, size=(3, 36, 64)).astype(float)
    return {
        "images": images,
        "behaviour": random.normal(size=(3, 3)),
        "pupil_center": np.array([259, 184]) + random.normal(size=(3, 2)),
    }


def ask_movies(_: Any) -> Arrays:
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, size=(40, 10, 20)).astype(np.uint8)
    return {"frames": frames, "running": random.normal(size=40), "frame_rate": np.array(30.0)}


def ask_video(model: Any) -> Arrays:
    rows, columns = model.settings.monitor
    frames = np.random.default_rng(0).integers(0, 256, size=(40, rows, columns)).astype(np.uint8)
    return {"stimulus": frames, "rate": 30.0}


OWN = {
    "pupil-encoder": Entry(pupil, ask_pupil, "pupil_area", causal=False),  # reads forwards and backwards
    "sensorium": Entry(images, ask_images),
    "v1-transformer": Entry(movies, ask_movies, "frames", causal=True),
    "digital-twin": Entry(video, ask_video, "stimulus", causal=True),
}
OFFICIAL = ("sensorium_sota_model.pth", "sensorium_p_ln_model.pth")


@pytest.fixture(scope="module")
def path_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Trains each model once."""
    made: dict[str, Path] = {}

    def path(name: str) -> Path:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("NEUROKIT_DATA", str(folder / "data"))
                made[name] = OWN[name].make(folder)
        return made[name]

    return path


def all_modes(model: torch.nn.Module) -> set[bool]:
    return {module.training for module in model.modules()}


def equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("name", OWN)
def test_an_own_checkpoint_is_deterministic_and_in_evaluation_mode(
    name: str, path_of: Callable[[str], Path]
) -> None:
    """Two openings and two questions give the same to the last bit; other weights do not."""
    opened, again = (load_pretrained(path_of(name)) for _ in range(2))
    assert all_modes(opened.model) == {False}
    assert opened.system.NAME == opened.facts["system"] == name
    asked = OWN[name].ask(opened.model)
    answers = opened.respond(**asked)
    assert all(np.isfinite(values).all() for values in answers.values())
    assert equal(answers, opened.respond(**asked)) and equal(answers, again.respond(**asked))
    assert all_modes(opened.model) == {False}
    with torch.no_grad():
        for parameter in again.model.parameters():
            parameter.add_(0.1)
    assert not equal(answers, again.respond(**asked))


@pytest.mark.parametrize("name", [name for name, entry in OWN.items() if entry.later])
def test_a_later_input_changes_no_earlier_answer(name: str, path_of: Callable[[str], Path]) -> None:
    """The second half is another; of the pupil's encoder, which may look ahead, the first half notices."""
    entry, opened = OWN[name], load_pretrained(path_of(name))
    asked = entry.ask(opened.model)
    axis = 1 if name == "pupil-encoder" else 0
    half = asked[entry.later].shape[axis] // 2
    changed = np.array(asked[entry.later])
    index = (slice(None),) * axis + (slice(half, None),)
    changed[index] = changed[index][(slice(None),) * axis + (slice(None, None, -1),)]
    first, other = opened.respond(**asked), opened.respond(**asked | {entry.later: changed})
    ends = np.asarray(first.pop("frame", np.arange(asked[entry.later].shape[axis])))
    other.pop("frame", None)
    assert any((one != other[key]).any() for key, one in first.items())
    early = [(one.take(np.flatnonzero(ends < half), axis), other[key].take(np.flatnonzero(ends < half), axis))
             for key, one in first.items()]  # fmt: skip
    assert all(part.size for part, _ in early)
    assert all(np.array_equal(*pair) for pair in early) == entry.causal


@pytest.mark.parametrize("file", OFFICIAL)
def test_the_organisers_networks_are_opened_as_they_are(file: str, real_data: Path) -> None:
    path = real_data / "sensorium2022_checkpoints" / file
    opened, again = load_pretrained(path), load_pretrained(str(path))
    assert all_modes(opened.model) == {False} and opened.system.NAME == "sensorium"
    (key,) = opened.model.mice
    generator = torch.Generator().manual_seed(0)
    inputs = {"images": torch.randn(2, 36, 64, generator=generator)}
    if "_p_" in file:
        inputs |= {
            "behaviour": torch.randn(2, 3, generator=generator),
            "pupil_center": torch.randn(2, 2, generator=generator),
        }
    with torch.no_grad():
        rates = [each.model.mouse(key)(**inputs) for each in (opened, opened, again)]
    assert rates[0].shape[1] > 7000
    assert torch.equal(rates[0], rates[1]) and torch.equal(rates[0], rates[2])
    with pytest.raises(CheckpointError, match="holds weights alone, without the scales of its inputs"):
        opened.respond(images=np.zeros((1, 36, 64)))


@pytest.mark.slow
def test_a_released_twin_is_deterministic_and_causal(real_data: Path) -> None:
    folder = real_data / "fnn_golden" / "full"
    opened = load_pretrained(folder, session="4_7")
    assert all_modes(opened.model) == {False}
    rows, columns = opened.model.settings.monitor
    stimulus = np.random.default_rng(0).integers(0, 256, size=(6, rows, columns)).astype(np.uint8)
    answers = opened.respond(stimulus=stimulus, rate=30.0)["rates"]
    np.testing.assert_array_equal(opened.respond(stimulus=stimulus, rate=30.0)["rates"], answers)
    stimulus[4:] = 255 - stimulus[4:]
    later = opened.respond(stimulus=stimulus, rate=30.0)["rates"]
    np.testing.assert_allclose(later[:4], answers[:4], rtol=1e-6)
    assert (later[4:] != answers[4:]).any()


@pytest.mark.parametrize(
    ("name", "options", "error", "says"),
    [
        ("nothing", {}, CheckpointError, "nothing.json is missing"),
        ("nothing.pth", {}, CheckpointError, "nothing.pth is missing"),
        ("nothing", {"session": "4_7"}, SettingsError, "session is '4_7', and nothing holds one model"),
        (".", {}, CheckpointError, "is a folder without scans.csv: give the .json"),
    ],
)
def test_what_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: dict, error: type, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says):
        load_pretrained(name, **options)


def test_a_checkpoint_of_no_system_is_refused(path_of: Callable[[str], Path], tmp_path: Path) -> None:
    path = path_of("pupil-encoder")
    weights, sidecar = checkpoint.files(path)
    (tmp_path / "other.safetensors").write_bytes(weights.read_bytes())
    facts = open_json(sidecar.read_text()) | {"system": "pupil-decoder"}
    (tmp_path / "other.json").write_text(seal_json(facts))
    with pytest.raises(CheckpointError, match="of the system 'pupil-decoder'"):
        load_pretrained(tmp_path / "other")
