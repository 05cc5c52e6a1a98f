"""Digital twins in the one flow: configs, cores, models of one's own, scores and refusals, on tiny mice."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hyperopt import hp
from torch import nn

import neurokit.training.fit
from neurokit import Experiment, digital_twin, load_pretrained
from neurokit.digital_twin import released, sources
from neurokit.digital_twin.baselines import lagged_pixels
from neurokit.digital_twin.checkpoints import load_foundation, open_twin
from neurokit.digital_twin.clips import MouseClips, draw_once
from neurokit.digital_twin.config import MODELS, SMALL, TwinConfig
from neurokit.digital_twin.network.base import TwinNetwork, unit_model
from neurokit.digital_twin.network.core import AttentionLSTM, ConvolutionLSTM
from neurokit.digital_twin.network.network import build_network
from neurokit.digital_twin.preparation import write_recording
from neurokit.digital_twin.recording import Video, load_trials, load_videos
from neurokit.digital_twin.released import load_released, save_weights
from neurokit.digital_twin.scores import predict_videos, score_table, score_videos
from neurokit.digital_twin.simulated_files import load_truth, videos_folder, write_simulated_mouse
from neurokit.digital_twin.simulation import MouseParameters, simulate_mouse
from neurokit.digital_twin.tasks import yardsticks
from neurokit.digital_twin.training import CohortNetwork
from neurokit.digital_twin.twin import DigitalTwin, OfPixels
from neurokit.errors import CheckpointError, DataError, SettingsError
from neurokit.insilico.most_exciting import most_exciting_videos
from neurokit.insilico.video import direction_tuning
from neurokit.training import checkpoint
from tests.digital_twin.toys import CONFIG, NETWORK, toy_network, toy_trials, toy_video, weights

ROWS = ["digital twin", "motion energy", "lagged pixels", "ceiling"]
KINDS = ["natural", "gratings", "dots"]
TINY = MouseParameters(
    minutes=0.5, cells=5, height=12, width=16, clip_frames=40, test_clips=2, new_clips=1, repeats=3
)
Make = Callable[..., Experiment]


@pytest.fixture(scope="module")
def mouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute of clips, and a clip of each kind three times, with the truth beside them."""
    return write_simulated_mouse(simulate_mouse(TINY), tmp_path_factory.mktemp("mice") / "mouse")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another mouse."""
    parameters = TINY.replace(seed=1, cells=4)
    return write_simulated_mouse(simulate_mouse(parameters), tmp_path_factory.mktemp("mice") / "other")


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of each test's own."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    monkeypatch.setenv("NEUROKIT_QUIET", "1")
    return tmp_path / "data"


@pytest.fixture
def tiny(mouse: Path) -> Make:
    """A small experiment on the first mouse, or on another folder."""

    def make(values: dict[str, Any] | None = None, **options: Any) -> Experiment:
        fixed = {"folder": mouse, "config": CONFIG, "device": "cpu"}
        return Experiment("digital-twin", values=values, **fixed | options)

    return make


@pytest.fixture(scope="module")
def core(other: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A twin of the other mouse, trained with other sizes: a core to transfer."""
    config = CONFIG.replace(network=NETWORK.replace(streams=3))
    recording = load_trials(other / "training_data")
    fitted = digital_twin.train_twin(recording, config, device="cpu", show_progress=False)
    path = tmp_path_factory.mktemp("cores") / "core"
    return digital_twin.save_twin(fitted.model, path, config, recording)


def repeated(name: str) -> Video:
    """A video to which units respond alike whenever it is shown, but for some noise."""
    video, random = toy_video(name, 3), np.random.default_rng(7)
    units = [video.repeats[0].units + random.uniform(0, 0.5, (24, 3)).astype(np.float32) for _ in range(3)]
    return Video(name, tuple(replace(r, units=u) for r, u in zip(video.repeats, units, strict=True)))


def converted(folder: Path) -> Path:
    """A recording that is not simulated here: standardised, with one video, and a unit that was silent."""
    trials = [replace(each, units=np.insert(each.units, 1, 0, axis=1)) for each in toy_trials()]
    video = repeated("v")
    shown = [replace(each, units=np.insert(each.units, 1, 0, axis=1)) for each in video.repeats]
    write_recording(folder, trials, [Video("v", tuple(shown))], np.array([10, 20, 30, 40]))
    return folder


# --- models and configs


def test_models_are_named_after_their_cores() -> None:
    assert list(MODELS) == ["twin", "conv_lstm"]
    assert (MODELS["twin"].small, MODELS["twin"].published) == (SMALL, TwinConfig())
    kinds = {"twin": AttentionLSTM, "conv_lstm": ConvolutionLSTM}
    for name, kind in kinds.items():
        sizes = MODELS[name].small.network
        assert type(build_network(2, sizes).core.recurrent) is kind
        assert MODELS[name].published.network.recurrence == sizes.recurrence


def test_epochs_and_seeds_reach_the_schedule(tiny: Make) -> None:
    config = tiny(epochs=30, seed=np.int64(4)).config
    assert (config.cycles.epochs, config.cycles.warm_up, config.rounds) == (30, 3, 1)
    assert config.seed == config.fit_settings.seed == CONFIG.seed + 4
    assert config.fit_settings.epochs == 30
    with pytest.raises(SettingsError, match="seed is 2147483648"):
        tiny(seed=2**31 - CONFIG.seed)


def test_experiments_never_share_a_file(tiny: Make, tmp_path: Path, mouse: Path) -> None:
    places = [tmp_path / one / "scan" for one in "ab"]
    for place in places:
        place.mkdir(parents=True)
    made = [tiny(folder=place) for place in (mouse, *places)]
    made += [tiny({"foundation": place}) for place in places]
    made += [tiny({"foundation": one}, folder=two) for one, two in (places, places[::-1])]
    made += [tiny({"gaps": "mean"}), tiny({"window": 20}), tiny({"learning_rate": 0.2}), tiny({"eps": 0.5})]
    made += [tiny(seed=1), tiny(epochs=3), tiny(build=brightness), tiny(config=SMALL)]
    made += [Experiment("digital-twin", model=name, device="cpu") for name in MODELS]
    assert len({each.path for each in made}) == len({each.unfinished for each in made}) == len(made)
    assert tiny().path == tiny().path


def test_a_core_is_the_same_by_any_way_to_write_its_path(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = tiny({"foundation": tmp_path / "core"})
    found = tiny({"foundation": "core"})
    assert found.path == wanted.path and found.config == wanted.config
    assert TwinConfig.from_json(found.config.to_json()) == found.config
    with pytest.raises(SettingsError, match="foundation is 3; use a path, or None"):
        tiny({"foundation": 3})


def test_a_config_of_ones_own_is_trained_opened_and_searched(tiny: Make) -> None:
    own = CONFIG.replace(network=NETWORK.replace(recurrence="attention", hidden=8), gaps="mean")
    first = tiny(config=own, epochs=1).train()
    again = tiny(config=own, epochs=1)
    assert again.is_trained and again.result.model.settings == own.network
    assert again.result.history.equals(first.result.history)
    assert again.evaluate().equals(first.evaluate())
    study = again.tune(2, progress=False)
    assert set(study.best) == {"cycles.learning_rate", "sgd.clip", "sgd.decay"}
    best = again.with_values(study.best).train()
    assert best.result.best_loss == pytest.approx(study.best_loss, rel=1e-6)


# --- training


def test_training_saves_what_it_says(tiny: Make, data: Path) -> None:
    experiment = tiny().train()
    found, result = open_twin(experiment.path), experiment.result
    assert found.config == experiment.config and found.network.settings == NETWORK
    assert found.units["unit_id"].tolist() == [*range(TINY.cells)] and found.statistics is None
    assert found.history["validation_loss"].tolist() == result.history["validation_loss"].tolist()
    assert result.best_loss == found.history["validation_loss"].min()
    assert result.best_epoch == found.history["validation_loss"].argmin() and len(found.history) == 2
    assert not list(data.rglob("*.training"))
    twin = digital_twin.train_twin(experiment.task.trials, CONFIG, device="cpu", show_progress=False)
    saved, straight = weights(found.network), weights(twin.model)
    assert all(torch.equal(values, straight[name]) for name, values in saved.items())


def test_statistics_and_unit_numbers_travel_with_a_converted_recording(tiny: Make, tmp_path: Path) -> None:
    folder = converted(tmp_path / "own")
    experiment = tiny(folder=folder, epochs=1).train()
    found = open_twin(experiment.path)
    assert found.statistics.unit_ids.tolist() == [10, 20, 30, 40]
    assert found.units["unit_id"].tolist() == [10, 30, 40]
    again = tiny(folder=folder, epochs=1)
    _ = again.result
    assert again.task.statistics.units_mean.tolist() == found.statistics.units_mean.tolist()


def test_a_core_is_transferred_with_its_sizes_and_stays_as_it_was(tiny: Make, core: Path) -> None:
    experiment = tiny({"foundation": core}).train()
    foundation, network = load_foundation(core), experiment.result.model
    assert network.settings == foundation.settings != CONFIG.network and network.units == TINY.cells
    for name, module in network.shared.items():
        theirs = weights(foundation.get_submodule(name))
        assert all(torch.equal(values, theirs[key]) for key, values in weights(module).items())
    assert not any(values.requires_grad for values in network.core.parameters())
    assert all(values.requires_grad for values in network.readout.parameters())
    assert open_twin(experiment.path).config.network == foundation.settings
    assert list(experiment.evaluate()["model"].unique()) == ROWS
    again = tiny({"foundation": core})
    assert again.result.model.settings == foundation.settings


def test_a_folder_of_released_weights_is_a_foundation(
    tiny: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The sizes are those of the release; here of a small one."""
    wide, units = NETWORK.replace(streams=3), pd.DataFrame({"unit_id": range(4)})
    source = toy_network(4, streams=3)
    save_weights(tmp_path / "weights", source.state_dict(), units, 6, 2)
    monkeypatch.setattr(released, "load_released", partial(load_released, settings=wide))
    network = tiny({"foundation": tmp_path / "weights"}, epochs=1).train().result.model
    theirs = weights(source.core)
    assert network.settings == wide
    assert all(torch.equal(values, theirs[name]) for name, values in weights(network.core).items())


@pytest.mark.parametrize("transfer", [False, True])
def test_a_killed_training_goes_on(
    tiny: Make, core: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, transfer: bool
) -> None:
    """The second run does only the epochs that the first had left, and ends as one in one go."""
    values = {"foundation": core} if transfer else {}
    straight = tiny(values, epochs=3).train().result
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "elsewhere"))

    def kill(epoch: int, loss: float) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny(values, epochs=3).train(on_epoch=kill)
    assert tiny(values, epochs=3).unfinished.is_file() and not tiny(values, epochs=3).is_trained
    done = count_epochs(monkeypatch)
    resumed = tiny(values, epochs=3).train().result
    assert len(done) == 1
    assert resumed.history.equals(straight.history)
    one, two = weights(resumed.model), weights(straight.model)
    assert all(torch.equal(values, two[name]) for name, values in one.items())


def count_epochs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one an epoch."""
    done: list[int] = []

    def count(*arguments: Any) -> float:
        done.append(1)
        return train_epoch(*arguments)

    train_epoch = neurokit.training.fit._train_epoch
    monkeypatch.setattr(neurokit.training.fit, "_train_epoch", count)
    return done


# --- scores


def test_scores_stand_beside_baselines_and_ceiling(tiny: Make, mouse: Path) -> None:
    """Held against scores computed here from the recording and its truth."""
    experiment = tiny().train()
    table = experiment.evaluate().set_index(["stimulus", "model"])
    kinds = list(dict.fromkeys(table.index.get_level_values(0)))
    assert kinds == list(load_truth(mouse).expected) and kinds[:3] == KINDS
    assert list(table.loc["natural"].index) == ROWS
    recording, twin = load_trials(mouse / "training_data"), DigitalTwin(experiment.result.model, device="cpu")
    for kind in ("natural", "dots"):
        videos = load_videos(videos_folder(mouse, kind))
        predictions = {
            "digital twin": predict_videos(twin, videos),
            "lagged pixels": lagged_pixels(recording, videos),
            "ceiling": list(load_truth(mouse).expected[kind]),
        }
        for name, predicted in predictions.items():
            found = score_videos(videos, predicted)
            low, high = np.nanquantile(found.repeats.cc_norm, (0.25, 0.75))
            for column, value in (found.medians() | {"low": low, "high": high}).items():
                assert table.loc[(kind, name), column] == pytest.approx(value, abs=1e-5, nan_ok=True)
    best = table.loc["natural"].single_trial
    assert best["ceiling"] > best.drop("ceiling").max()


def test_kinds_are_not_mixed_up() -> None:
    """A prediction that is right for one kind and wrong for the other scores so in each."""
    videos = {"a": (repeated("x"), repeated("y")), "b": (repeated("z"),)}
    right = [np.stack([r.units for r in video.repeats]) for part in videos.values() for video in part]
    found = score_table(videos, {"model": [*right[:2], -right[2]]}).set_index("stimulus").single_trial
    np.testing.assert_allclose([found["a"], found["b"]], [1, -1], atol=1e-5)


def test_another_recording_has_no_truth_and_no_other_kinds(tiny: Make, tmp_path: Path) -> None:
    experiment = tiny(folder=converted(tmp_path / "own"), epochs=1)
    table = experiment.evaluate()
    assert table["stimulus"].unique().tolist() == ["natural"] and table["model"].tolist() == ROWS[:-1]
    assert list(experiment.score().yardsticks) == ["mean response"]


def test_every_part_can_be_predicted(tiny: Make) -> None:
    experiment = tiny(epochs=1)
    task = experiment.task
    for part in ("train", "validation", "test"):
        found, shown = experiment.predict(part), task.part(part)
        assert [each.shape for each in found] == [
            (len(video.repeats), len(video.repeats[0].stimulus), TINY.cells) for video in shown
        ]
    assert len(task.part("train")) + len(task.part("validation")) == TINY.trials
    with pytest.raises(SettingsError, match="part is 'tests'; use one of train, validation, test"):
        task.part("tests")


@pytest.mark.parametrize("unit", ["poisson", "elu"])
def test_yardsticks_are_losses_of_the_very_clips(tiny: Make, mouse: Path, unit: str) -> None:
    """A drive that gives the known rates has the loss of the ceiling, one of 0 that of the mean."""
    config = CONFIG.replace(network=NETWORK.replace(unit=unit))
    found = yardsticks(tiny(config=config).task, config)
    trials, truth = load_trials(mouse / "training_data").part(False), load_truth(mouse)
    losses = {"mean response": [], "ceiling": []}
    for clips in draw_once({"m": MouseClips("m", trials, config)}, config, config.seed):
        for one in range(config.batch):
            measured = clips.responses[config.burn_in :, one]
            rates = known_rates(truth, trials, clips, one)[config.burn_in :]
            drive = rates.log() if unit == "poisson" else torch.where(rates > 1, rates - 1, rates.log())
            losses["ceiling"].append(unit_model(unit).loss(drive, measured).mean().item())
            losses["mean response"].append(unit_model(unit).loss(0 * drive, measured).mean().item())
    for name, each in losses.items():
        assert found[name] == pytest.approx(np.mean(each), rel=1e-5)
    # Of squared errors a single event that did not come may outweigh all others in so few clips.
    assert unit == "elu" or found["ceiling"] < found["mean response"]


def known_rates(truth: Any, trials: Any, clips: Any, one: int) -> torch.Tensor:
    """What the simulation knows of a clip, which is looked up by its video."""
    video, length = clips.video[:, one].numpy(), len(clips.video)
    for trial in trials:
        for start in range(len(trial.stimulus) - length + 1):
            same = np.array_equal(trial.perspective[start : start + length], clips.pupil[:, one].numpy())
            if same and np.array_equal(trial.stimulus[start : start + length], video):
                rates = truth.predict(trial.stimulus, trial.perspective, trial.modulation)
                return torch.from_numpy(rates[start : start + length])
    raise AssertionError("the clip is of no trial")


def test_the_yardsticks_show_a_model_that_learned_nothing(tiny: Make) -> None:
    idle = tiny({"learning_rate": 1e-12}, epochs=1).score()
    assert idle.yardsticks["mean response"] == pytest.approx(1)
    assert idle.value == pytest.approx(1, abs=1e-5) and idle.yardsticks["ceiling"] < 0.99
    assert "Poisson, lower is better" in idle.name


def test_the_picture_names_its_axes(tiny: Make) -> None:
    table = tiny(epochs=1).evaluate()
    figure = digital_twin.draw(table)
    assert [axis.get_title(loc="left") for axis in figure.axes] == list(dict.fromkeys(table["stimulus"]))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ROWS[:-1]
    assert figure.get_supxlabel().startswith("CC_norm")


# --- what is not the same


def test_a_recording_that_changed_is_other_data(tiny: Make, mouse: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(mouse, tmp_path / "mouse")
    tiny(folder=folder).train()
    file = folder / "training_data" / "units" / "3.npy"
    units = np.load(file)
    units[2, 1] += 0.5
    np.save(file, units)
    with pytest.raises(CheckpointError, match=r"fitted to other data \(trials differ\)"):
        tiny(folder=folder).evaluate()


def test_a_core_that_was_trained_again_is_other_data(tiny: Make, core: Path, tmp_path: Path) -> None:
    place = tmp_path / "core"
    for file in checkpoint.files(core):
        shutil.copy(file, place.with_name(f"core{file.suffix}"))
    tiny({"foundation": place}).train()
    tiny({"foundation": place}).evaluate()
    found = open_twin(place)
    with torch.no_grad():
        next(found.network.core.parameters()).add_(1)
    digital_twin.save_twin(found.network, place, found.config)
    with pytest.raises(CheckpointError, match=r"fitted to other data \(core differ\)"):
        tiny({"foundation": place}).evaluate()


@pytest.mark.parametrize("kind", ["json", "safetensors"])
def test_half_a_checkpoint_is_named(tiny: Make, kind: str) -> None:
    path = tiny(epochs=1).train().path
    path.with_name(f"{path.name}.{kind}").unlink()
    with pytest.raises(CheckpointError, match=f"{kind} is missing"):
        tiny(epochs=1).evaluate()


# --- a network of one's own


class Brightness(TwinNetwork):
    """Units follow the mean of the screen, now and in the frame before."""

    def __init__(self, units: int, settings: Any) -> None:
        super().__init__(units, settings)
        self.weigh = nn.Linear(2, self.units)

    def drive(self, pixels: Any, pupil: Any, behaviour: Any, sequence: Any) -> torch.Tensor:
        bright = pixels.flatten(2).mean(dim=2, keepdim=True)
        before = torch.cat([sequence.state.get(self, bright[:1]), bright[:-1]])
        sequence.state[self] = bright[-1:]
        return self.weigh(torch.cat([bright, before], dim=2))


def brightness(task: Any, config: Any) -> nn.Module:
    torch.manual_seed(config.seed)
    return Brightness(task.units, config.network)


def test_a_network_of_ones_own_goes_all_the_way(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tiny(build=brightness, epochs=4).train()
    table = first.evaluate()
    assert table["model"].unique().tolist() == ["Brightness", *ROWS[1:]]
    again = tiny(build=brightness, epochs=4)
    assert again.is_trained and again.evaluate().equals(table)
    rows = first.result.history["train_loss"]
    assert rows.iloc[-1] < rows.iloc[0]
    space = {"learning_rate": hp.loguniform("learning_rate", -4, -1)}
    assert len(again.tune(2, space=space, progress=False).records) == 2
    opened = load_pretrained(first.path)
    clip = first.task.part("test")[0].repeats[0]
    given = {"stimulus": clip.stimulus, "perspective": clip.perspective, "modulation": clip.modulation}
    rates = opened.respond(**given, rate=30)["rates"]
    np.testing.assert_allclose(rates, first.predict()[0][0], rtol=1e-6)  # there three repeats at once


def test_a_killed_training_of_ones_own_goes_on(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(epoch: int, loss: float) -> None:
        raise KeyboardInterrupt

    straight = tiny(build=brightness).train().result.history
    with pytest.raises(KeyboardInterrupt):
        tiny(build=brightness).train(again=True, on_epoch=kill)
    done = count_epochs(monkeypatch)
    assert tiny(build=brightness).train(again=True).result.history.equals(straight) and len(done) == 1


def test_experiments_in_silico_take_a_network_of_ones_own() -> None:
    torch.manual_seed(0)
    twin = DigitalTwin(Brightness(3, NETWORK), device="cpu")
    waves = np.array([8.0]), np.array([1.0])
    quiet = {"show_progress": False}
    tuning = direction_tuning(twin, *waves, directions=4, shape=(12, 16), onset=2, frames=6, **quiet)
    assert tuning.responses.shape == (3, 4, 1, 1)
    options = {"shape": (6, 12, 16), "counted": 2, "steps": 2} | quiet
    exciting = most_exciting_videos(OfPixels(twin), [0, 2], **options)
    assert (exciting.history[-1] > exciting.history[0]).all()


def test_what_is_no_network_of_a_twin_is_refused(tiny: Make) -> None:
    class Silent(TwinNetwork):
        """Without a drive."""

    with pytest.raises(SettingsError, match=r"The network is a Linear; derive its class from .*TwinNetwork"):
        tiny(build=lambda task, config: nn.Linear(2, 3)).train()
    with pytest.raises(SettingsError, match="Linear; derive its class"):
        DigitalTwin(nn.Linear(2, 3))
    with pytest.raises(SettingsError, match="Silent has no `drive`; write it"):
        DigitalTwin(Silent(3, NETWORK))
    with pytest.raises(DataError, match=r"Brightness and Brightness share none: train each mouse separately"):
        CohortNetwork({mouse: Brightness(3, NETWORK) for mouse in "ab"})
    with pytest.raises(DataError, match="FoundationNetwork and Brightness share none"):
        CohortNetwork({"a": toy_network(), "b": Brightness(3, NETWORK)})
    with pytest.raises(DataError, match="has 5 units, and the network of mouse 4"):
        tiny(build=lambda task, config: Brightness(4, config.network)).train()


def test_a_drive_that_would_only_broadcast_is_refused(tiny: Make) -> None:
    class Narrow(Brightness):
        def drive(self, *given: Any) -> torch.Tensor:
            return super().drive(*given)[..., :1]

    with pytest.raises(SettingsError, match=r"Narrow is \(2, 1, 1\) for 2 frames .* units, \(2, 1, 5\)"):
        tiny(build=lambda task, config: Narrow(task.units, config.network)).train()


def test_a_core_of_ones_own_is_not_transferred(tiny: Make) -> None:
    path = tiny(build=brightness, epochs=1).train().path
    with pytest.raises(CheckpointError, match="holds a Brightness, not a FoundationNetwork"):
        tiny({"foundation": path}).train()
    assert type(open_twin(path, Brightness).network) is Brightness


# --- what cannot be, and what there is


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"source": "cutout"}, "'cutout' has no small real recording of a mouse that watched video"),
        ({"source": "full"}, "'full' has weights to download, but no recording to train on"),
        ({"session": "mouse-7"}, r"No session is named 'mouse-7'; this source has mouse-0\."),
        ({"values": {"foundation": "gone"}}, "gone.json is missing"),
        ({"values": {"foundation": "empty"}}, "scans.csv is missing"),
        ({"values": {"foundation": "scanless"}}, "names no scan"),
    ],
)
def test_what_is_not_there_is_refused_before_anything_is_simulated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "load_simulated_mouse", lambda _: pytest.fail("too late"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "scanless").mkdir()
    (tmp_path / "scanless" / "scans.csv").write_text("session,scan_idx,units,data_id\n")
    with pytest.raises((SettingsError, DataError, CheckpointError), match=says):
        Experiment("digital-twin", device="cpu", **options).train()


def test_a_folder_is_one_session_that_is_called_like_it(tiny: Make, mouse: Path) -> None:
    assert tiny(session="mouse").recording.name == "mouse"
    with pytest.raises(DataError, match="No session is named 'mice'; this source has mouse"):
        _ = tiny(session="mice").recording
    with pytest.raises(DataError, match=r"holds no session \(training_data"):
        _ = tiny(folder=mouse / "new_stimuli").recording


def test_a_config_with_a_foundation_is_for_one_mouse(mouse: Path, core: Path) -> None:
    recording, config = load_trials(mouse / "training_data"), CONFIG.replace(foundation=core)
    with pytest.raises(SettingsError, match=r"foundation is .*core.*; give the network"):
        digital_twin.train_twin(recording, config, device="cpu")
    with pytest.raises(SettingsError, match=r"foundation is .*core.*; give the network"):
        digital_twin.train_cohort({"a": recording}, config, device="cpu")


def test_the_recording_is_described(tiny: Make, tmp_path: Path, mouse: Path) -> None:
    text = digital_twin.describe(tiny().recording)
    for part in (
        f"mouse in {mouse}",
        "5 units, video of 12 x 16 pixels at 30 Hz",
        "20 trials to fit, 2 to validate, 0.5 minutes",
        "natural: 2 videos, repeats 3",
        "gratings: 1 videos, repeats 3",
    ):
        assert part in text
    alone = tmp_path / "alone"
    shutil.copytree(mouse / "training_data", alone / "training_data")
    assert "no evaluation_data: nothing to score on" in digital_twin.describe(tiny(folder=alone).recording)


def test_sessions_are_listed_without_a_download(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    monkeypatch.setattr(sources, "load_simulated_mouse", lambda _: pytest.fail("too late"))
    demo = digital_twin.sessions("demo", 3)
    assert demo[["session", "units", "trials"]].to_numpy().tolist() == [["mouse-3", 60, 60]]
    with pytest.raises(SettingsError, match="'cutout' has no small real recording"):
        digital_twin.sessions("cutout")
    with pytest.raises(DataError, match=r"fetch_weights\(\) downloads the released weights from https://"):
        digital_twin.sessions("full")
    units = pd.DataFrame({"unit_id": range(4)})
    save_weights(data / "microns" / "weights", toy_network(4).state_dict(), units, 6, 2, data_id="0f")
    assert digital_twin.sessions("full")[["session", "scan_idx", "units"]].to_numpy().tolist() == [[6, 2, 4]]
    text = digital_twin.describe_weights(data / "microns" / "weights")
    assert ["6", "2", "4", "0f"] in [line.split() for line in text.splitlines()]
    with pytest.raises(CheckpointError, match="is not a folder"):
        digital_twin.describe_weights(data / "gone")


def test_released_weights_are_opened_by_their_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, released = tmp_path / "weights", digital_twin.released
    networks = {scan: toy_network(3 + scan) for scan in (4, 5)}
    for scan, network in networks.items():
        units = pd.DataFrame({"unit_id": range(3 + scan)})
        save_weights(folder, network.state_dict(), units, 8, scan)
    monkeypatch.setattr(released, "load_released", partial(load_released, settings=NETWORK))
    video = np.zeros((4, 12, 16), dtype=np.uint8)
    for session, scan in ((None, 4), ("8_5", 5)):
        found = load_pretrained(folder, session=session)
        expected = DigitalTwin(networks[scan], device="cpu").predict(video)
        np.testing.assert_array_equal(found.respond(stimulus=video, rate=30)["rates"], expected)
        assert found.facts["units"]["unit_id"] == [*range(3 + scan)]
    with pytest.raises(DataError, match=r"has no scan '9_1'; choose one of 8_4, 8_5"):
        load_pretrained(folder, session="9_1")


# --- new input


GIVEN = {
    "stimulus": np.zeros((6, 12, 16), dtype=np.uint8),
    "rate": np.array(30.0),
    "perspective": np.zeros((6, 2)),
    "modulation": np.zeros((6, 2)),
}


def test_rates_for_new_video_are_those_of_the_twin(tiny: Make) -> None:
    experiment = tiny(epochs=1).train()
    opened = load_pretrained(experiment.path)
    video = np.random.default_rng(0).integers(0, 256, (20, 12, 16), dtype=np.uint8)
    looks = np.linspace(-1, 1, 40).reshape(20, 2)
    found = opened.respond(stimulus=video, perspective=looks, rate=np.full(20, 30.0))["rates"]
    twin = DigitalTwin(experiment.result.model, device="cpu")
    np.testing.assert_array_equal(found, twin.predict(video, looks))
    assert found.shape == (20, TINY.cells)
    assert not np.array_equal(found, opened.respond(stimulus=video, rate=30)["rates"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rate": None}, "rate is missing; a twin sees 30 frames a second"),
        ({"rate": np.array(60.0)}, "rate is 60 Hz, and a twin sees 30 frames a second: resample"),
        ({"rate": np.array([30.0, 25.0])}, "rate is 25, 30 Hz"),
        ({"stimulus": None}, "stimulus is missing; the inputs hold modulation, perspective, rate"),
        ({"stimulus": np.zeros((6, 12, 16))}, "The stimulus is float64; give uint8"),
        ({"stimulus": np.zeros((6, 36, 64), np.uint8)}, r"frames of \(36, 64\) pixels, and this twin sees"),
        ({"perspective": np.zeros((5, 2))}, "perspective has 5 frames and the stimulus 6"),
        ({"modulation": np.zeros((6, 3))}, r"modulation has the shape \(6, 3\); give frames x 2"),
        ({"modulation": np.full((6, 2), "a")}, "modulation is text; give real numbers"),
        ({"pupil": np.zeros((6, 2))}, "pupil is not an input of a digital twin; give stimulus, perspective"),
    ],
)
def test_input_that_does_not_fit_is_refused(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    path = digital_twin.save_twin(toy_network(), tmp_path / "twin", CONFIG)
    given = {name: values for name, values in (GIVEN | change).items() if values is not None}
    with pytest.raises(DataError, match=says):
        load_pretrained(path).respond(**given)


# --- simulated mice on disk


def test_what_is_simulated_is_read_as_a_folder(tiny: Make, tmp_path: Path) -> None:
    size = {"minutes": 0.5, "cells": 5, "repeats": 2, "height": 12, "width": 16, "clip_frames": 40}
    made = digital_twin.simulate(tmp_path / "made", seed=2, **size)
    assert load_truth(tmp_path / "made").parameters == MouseParameters(seed=2, **size)
    assert {file.name for file in made.files} == {
        "training_data", "evaluation_data", "new_stimuli", "truth.npz",
    } and all(file.exists() for file in made.files)  # fmt: skip
    for kind, best in load_truth(tmp_path / "made").ceilings.items():
        medians = [np.median(each) for each in (best.single_trial, best.repeat_mean, best.cc_max)]
        assert f"{kind}: " + ", ".join(f"{value:.3f}" for value in medians) in made.ceiling
    table = tiny(folder=tmp_path / "made", epochs=1).evaluate()
    assert "ceiling" in table["model"].tolist()
    with pytest.raises(SettingsError, match="cells is 1; use"):
        digital_twin.simulate(tmp_path / "none", cells=1)


def test_simulate_replaces_only_what_was_simulated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made, own = tmp_path / "made", converted(tmp_path / "own")
    size = {"minutes": 0.5, "cells": 2, "repeats": 2, "height": 12, "width": 16, "clip_frames": 40}
    made.mkdir()
    for seed in (2, 3):  # an empty folder, then the mouse before
        digital_twin.simulate(made, seed=seed, **size)
        assert load_truth(made).parameters.seed == seed
    (made / "notes.txt").write_text("mine")
    monkeypatch.setattr(digital_twin.experiment, "simulate_mouse", lambda _: pytest.fail("too late"))
    before = sorted(tmp_path.rglob("*"))
    for folder, says in ((own, "which this command did not write"), (made, "holds notes.txt")):
        with pytest.raises(DataError, match=says):
            digital_twin.simulate(folder)
    assert sorted(tmp_path.rglob("*")) == before
