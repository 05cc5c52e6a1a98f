"""Ensembles: members that differ, their splits, three engines that agree, and nothing trained twice."""

import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.numpy
import torch
import torch.nn.functional as F
from torch import nn

from neurokit.distributed.ray_cluster import cluster, import_ray
from neurokit.errors import CheckpointError, DataError, FitError
from neurokit.sensorium import (
    Ensemble,
    Scan,
    SensoriumConfig,
    build,
    engines,
    predict,
    score_table,
    task,
    train_ensemble,
)
from neurokit.sensorium import ensemble as members_of
from neurokit.sensorium import features as mouse_trials
from neurokit.sensorium import train as train_model
from neurokit.sensorium.ensemble import check_held_out, ensemble_tiers, held_out
from neurokit.sensorium.past_responses import known_trials
from neurokit.sensorium.recording import identity
from neurokit.sensorium.scores import omissions
from neurokit.training import checkpoint
from neurokit.training.omissions import Omission
from tests.sensorium.toys import BRIEF, FULL, PLAIN, STATE, same, toy_scans, weights

# --- splits


@pytest.fixture
def tiers() -> np.ndarray:
    sizes = {"train": 90, "validation": 20, "test": 25, "final_test": 15}
    return np.random.default_rng(1).permutation(np.repeat(list(sizes), list(sizes.values())))


def test_sizes_stay_and_test_tiers_untouched(tiers: np.ndarray) -> None:
    test = ~known_trials(tiers)
    for member in ensemble_tiers(tiers):
        assert sorted(member) == sorted(tiers)
        assert (member[test] == tiers[test]).all()


def test_every_member_has_a_split_of_its_own(tiers: np.ndarray) -> None:
    members = ensemble_tiers(tiers, members=7)
    for one, other in combinations([tiers, *members], 2):
        shared = ((one == "validation") & (other == "validation")).sum()
        assert shared < 12  # 20 of 110 drawn twice share 3.6 on average


def test_the_seed_decides(tiers: np.ndarray) -> None:
    before = tiers.copy()
    first = ensemble_tiers(tiers, seed=3)
    assert (ensemble_tiers(tiers, seed=3) == first).all()
    assert (ensemble_tiers(tiers, seed=4) != first).any()
    assert (ensemble_tiers(tiers, members=2, seed=3) == first[:2]).all()
    assert (tiers == before).all()


def test_every_known_trial_can_be_a_validation_trial(tiers: np.ndarray) -> None:
    """None of 60 deals reaches it with a chance of (90/110)^60, 6e-6."""
    ever = (ensemble_tiers(tiers, members=60) == "validation").any(0)
    assert (ever == known_trials(tiers)).all()


def test_only_test_trials_score_the_ensemble(tiers: np.ndarray) -> None:
    members = ensemble_tiers(tiers)
    trials = held_out(members)
    assert set(tiers[trials]) == {"test", "final_test"} and len(trials) == 40
    check_held_out(members, trials)
    check_held_out(members, np.flatnonzero(tiers == "test"))


@pytest.mark.parametrize("tier", ["train", "validation"])
def test_other_trials_are_refused(tiers: np.ndarray, tier: str) -> None:
    members = ensemble_tiers(tiers)
    used = np.flatnonzero(tiers == tier)
    with pytest.raises(DataError, match=f"{len(used)} of {len(used)} trials to score"):
        check_held_out(members, used)
    with pytest.raises(DataError, match=rf"1 of 41 trials to score \(file index {used[0]} first\)"):
        check_held_out(members, np.append(held_out(members), used[0]))


def test_a_validation_trial_of_the_first_member_trained_others(tiers: np.ndarray) -> None:
    """Why the validation score of the whole ensemble says little."""
    members = ensemble_tiers(tiers)
    validation = members[0] == "validation"
    assert (members[1:, validation] == "train").any(0).mean() > 0.9


def test_bad_input(tiers: np.ndarray) -> None:
    with pytest.raises(DataError, match="members is 0"):
        ensemble_tiers(tiers, members=0)
    with pytest.raises(DataError, match="has no validation trials"):
        ensemble_tiers(tiers[tiers != "validation"])


# --- members


LOAD = partial(toy_scans, (0, 1))
NEEDS_RAY = pytest.mark.skipif(find_spec("ray") is None, reason="the extra [distributed] is not installed")


def train(folder: Path, config: SensoriumConfig = FULL, load: Callable = LOAD, **options: object) -> Ensemble:
    return train_ensemble(load, config, folder, **({"members": 2, "device": "cpu"} | options))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Two members trained in this process, and their folder."""
    folder = tmp_path_factory.mktemp("here")
    return SimpleNamespace(ensemble=train(folder), folder=folder)


# --- members


def test_members_differ_in_weights_and_splits_and_share_their_states(here: SimpleNamespace) -> None:
    one, two = here.ensemble.members
    assert not same(weights(one), weights(two))
    for key, scan in LOAD().items():
        first, second = (mice[key] for mice in here.ensemble.mice)
        assert (first.tiers != second.tiers).any() and (first.tiers != scan.tiers).any()
        assert ((first.tiers == "test") == (scan.tiers == "test")).all()
        assert Counter(first.tiers.tolist()) == Counter(second.tiers.tolist()) == Counter(scan.tiers.tolist())
        assert first.state is second.state
    assert not any(model.training for model in here.ensemble.members)


def test_a_member_is_its_config_with_the_next_seed_on_its_own_split(here: SimpleNamespace) -> None:
    """Trained by hand, without the ensemble."""
    scans, config = LOAD(), FULL.replace(seed=12)
    tiers = {key: ensemble_tiers(scan.tiers)[1] for key, scan in scans.items()}
    by_hand = task(scans, config, tiers=tiers, device="cpu")
    fitted = train_model(build(by_hand, config), by_hand, config, show_progress=False)
    assert same(weights(fitted.model), weights(here.ensemble.members[1]))
    mice = task(scans, config, device="cpu")
    wrong = train_model(build(mice, config), mice, config, show_progress=False)
    assert not same(weights(wrong.model), weights(here.ensemble.members[1]))  # the control: the scan's split


def test_a_member_says_what_was_left_out(tmp_path: Path) -> None:
    """Of its own split: an image that it trains on and validates with is left out of its training."""
    found = toy_scans((0,))
    (scan,) = found.values()
    omission = Omission("out_of_range", "units", ("8",), 8, scan.key)
    once = {scan.key: replace(scan, omissions=(omission,), image_ids=scan.image_ids.copy())}
    train_ensemble(lambda: once, PLAIN, tmp_path, members=2, device="cpu")
    for number in range(2):
        member = members_of.Member(lambda: once, PLAIN, number, 2, tmp_path, device="cpu")
        left_out = checkpoint.read_facts(member.path)["left_out"]
        assert left_out == [each.to_dict() for each in omissions(member.task(once))]
        assert left_out[0] == omission.to_dict()


def test_states_are_fitted_once_for_all_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, fit_state = [], mouse_trials.fit_state
    monkeypatch.setattr(mouse_trials, "fit_state", lambda *given: calls.append(1) or fit_state(*given))
    train(tmp_path, FULL.replace(fit=BRIEF.replace(epochs=1)), members=3)
    assert len(calls) == len(LOAD())
    train(tmp_path, FULL.replace(fit=BRIEF.replace(epochs=1)), members=3)
    assert len(calls) == len(LOAD())


# --- engines


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    import_ray("This test")
    with cluster(2):
        yield


def all_same(one: Ensemble, other: Ensemble) -> bool:
    pairs = zip(one.members, other.members, strict=True)
    return all(same(weights(a), weights(b)) for a, b in pairs)


def test_processes_train_the_same_weights(here: SimpleNamespace, tmp_path: Path) -> None:
    assert all_same(train(tmp_path, engine="processes"), here.ensemble)


@NEEDS_RAY
@pytest.mark.distributed
def test_ray_trains_the_same_weights(ray: None, here: SimpleNamespace, tmp_path: Path) -> None:
    assert all_same(train(tmp_path, engine="ray"), here.ensemble)


@pytest.mark.parametrize(
    ("device", "workers", "gpus", "devices"),
    [
        ("auto", 3, 2, ["cuda:0", "cuda:1", "cuda:0"]),
        ("cuda", 2, 4, ["cuda:0", "cuda:1"]),
        ("auto", 2, 1, ["cuda:0", "cuda:0"]),
        ("auto", 2, 0, ["auto", "auto"]),
        ("cpu", 2, 2, ["cpu", "cpu"]),
        ("cuda:1", 2, 2, ["cuda:1", "cuda:1"]),
    ],
)
def test_processes_take_the_gpus_by_turns(device: str, workers: int, gpus: int, devices: list[str]) -> None:
    assert engines.worker_devices(device, workers, gpus) == devices


def test_a_process_computes_on_the_gpu_that_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    queue, taken = multiprocessing.get_context("spawn").SimpleQueue(), []
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    for device in ("cuda:1", "auto", "cuda:0"):
        queue.put(device)
        engines._take_device(queue)
    assert taken == ["cuda:1", "cuda:0"]


@pytest.mark.parametrize(
    ("device", "gpus", "workers"),
    [("cpu", 0, 2), ("cpu", 4, 2), ("cuda", 1, 1), ("cuda", 4, 4), ("cuda:2", 4, 1), ("mps", 0, 1)],
)
def test_by_default_no_two_members_share_a_gpu(device: str, gpus: int, workers: int) -> None:
    assert engines.default_workers(torch.device(device), gpus) == workers


@pytest.mark.parametrize(("asked", "used"), [(None, 3), (1, 1)])
def test_the_default_is_that_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: int | None, used: int
) -> None:
    seen: list[int] = []

    def trained(jobs: object, workers: int) -> None:
        seen.append(workers)
        raise Stopped

    monkeypatch.setitem(engines.ENGINES, "processes", trained)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr("neurokit.sensorium.ensemble.choose_device", lambda _: torch.device("cuda"))
    with pytest.raises(Stopped):
        train(tmp_path, PLAIN, engine="processes", workers=asked)
    assert seen == [used]


DIVERGING = PLAIN.replace(fit=BRIEF.replace(learning_rate=1e30))
DIVERGED = r"^The \w+ loss became (nan|inf) in epoch 0: lower learning_rate[^\n]*restored\.$"


def test_what_goes_wrong_in_a_member_is_said_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FitError, match=DIVERGED):
        train(tmp_path, DIVERGING, members=1)


def scans_of_a_doomed_process() -> dict[str, Scan]:
    """The scans here; in a worker the end that a machine without memory gives it."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return toy_scans()


@pytest.mark.slow
def test_a_killed_worker_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FitError, match=r"^A process [^\n]* was killed[^\n]*fewer workers\.$"):
        train(tmp_path, load=scans_of_a_doomed_process, engine="processes")


def test_what_cannot_travel_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FitError, match=r"^A member cannot be sent to a process [^\n]*\.$"):
        train(tmp_path, load=lambda: LOAD(), engine="processes")


@NEEDS_RAY
@pytest.mark.distributed
def test_ray_says_it_in_the_same_words(ray: None, tmp_path: Path) -> None:
    with pytest.raises(FitError, match=DIVERGED):
        train(tmp_path, DIVERGING, engine="ray", members=1)


def test_without_ray_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(FitError, match=r"An ensemble on Ray needs ray .*: install .* extra \[distributed\]"):
        train(tmp_path, PLAIN, engine="ray")


@pytest.mark.parametrize("wrong", [{"engine": "cloud"}, {"members": 0}, {"workers": 0}])
def test_what_no_ensemble_can_be_made_of_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    unchecked = getattr(train_ensemble, "__wrapped__", train_ensemble)  # the import hook would answer
    with pytest.raises(FitError, match=r"use one of here, processes, ray and numbers of 1 or more\.$"):
        unchecked(lambda: pytest.fail("loaded"), PLAIN, tmp_path, **wrong)


# --- finished, broken off, another


@pytest.fixture
def epochs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Seed and epoch of everything that is trained from here on, in this process."""
    found: list[tuple[int, int]] = []

    def watched(model: object, mice: object, config: SensoriumConfig, **options: object) -> object:
        return train_model(
            model, mice, config, on_epoch=lambda e, _: found.append((config.seed, e)), **options
        )

    monkeypatch.setattr(members_of, "train", watched)
    return found


def test_a_finished_member_is_not_trained_again(here: SimpleNamespace, epochs: list) -> None:
    files = {path: path.stat().st_mtime_ns for path in here.folder.iterdir()}
    assert len([path for path in files if path.suffix == ".json"]) == 2
    for engine in ("here", "processes", "ray"):
        again = train(here.folder, engine=engine)
        assert all_same(again, here.ensemble)
    assert epochs == []
    assert {path: path.stat().st_mtime_ns for path in here.folder.iterdir()} == files


def test_a_member_that_another_process_has_trained_meanwhile_is_taken(
    here: SimpleNamespace, epochs: list
) -> None:
    members_of.Member(LOAD, FULL, 0, 2, here.folder, device="cpu").train()
    assert epochs == []
    with pytest.raises(CheckpointError, match="another config"):
        members_of.Member(LOAD, FULL.replace(seed=7), 0, 2, here.folder, device="cpu").train()


def test_the_state_of_a_saved_member_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process was killed after it had saved its member."""
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        train(tmp_path, PLAIN, members=1)
    assert (tmp_path / "member-0.training").is_file()
    train(tmp_path, PLAIN, members=1)
    assert not (tmp_path / "member-0.training").exists()


def test_an_ensemble_grows(tmp_path: Path, epochs: list) -> None:
    first = train(tmp_path, PLAIN, members=1)
    assert [seed for seed, _ in epochs] == [11, 11]
    grown = train(tmp_path, PLAIN, members=2)
    assert [seed for seed, _ in epochs] == [11, 11, 12, 12]
    assert same(weights(grown.members[0]), weights(first.members[0]))
    assert (grown.mice[0]["90000-1-1"].tiers == first.mice[0]["90000-1-1"].tiers).all()


class Stopped(Exception):  # noqa: N818
    """Stands for a kill."""


def killed(folder: Path, config: SensoriumConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ensemble that is broken off after the first epoch of its second member."""

    def dying(model: object, mice: object, given: SensoriumConfig, **options: object) -> object:
        def on_epoch(*_: object) -> None:
            if given.seed == config.seed + 1:
                raise Stopped

        return train_model(model, mice, given, on_epoch=on_epoch, **options)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(members_of, "train", dying)
        train(folder, config)


def test_a_killed_member_goes_on_to_the_same_weights(
    here: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    killed(tmp_path, FULL, monkeypatch)
    assert sorted(path.name for path in tmp_path.glob("member*")) == [
        "member-0.json", "member-0.safetensors", "member-1.training"
    ]  # fmt: skip
    epochs = request.getfixturevalue("epochs")
    assert all_same(train(tmp_path), here.ensemble)
    assert epochs == [(12, 1)]
    assert not list(tmp_path.glob("*.training"))


OTHERS = {
    "seed": FULL.replace(seed=12),
    "gamma": FULL.replace(model=FULL.model.replace(gamma_readout=1.0)),
    "fit": FULL.replace(fit=BRIEF.replace(epochs=3)),
    "state": FULL.replace(state=STATE.replace(seed=1)),
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_config_in_the_folder_is_refused(here: SimpleNamespace, other: str, epochs: list) -> None:
    with pytest.raises(CheckpointError, match=r"member-0 is a model of another config; remove it, or train"):
        train(here.folder, OTHERS[other])
    assert epochs == [] and len([*here.folder.glob("states-*")]) == 1


def other_scans(change: str) -> dict[str, Scan]:
    if change == "content":
        return {
            key: replace(scan, responses=scan.responses * 2, fingerprint="changed")
            for key, scan in LOAD().items()
        }
    return toy_scans((0,) if change == "fewer" else (0, 1, 2))


@pytest.mark.parametrize("change", ["content", "fewer", "more"])
def test_other_scans_are_refused(here: SimpleNamespace, change: str, epochs: list) -> None:
    with pytest.raises(CheckpointError, match="member-0 is a model of other scans; remove it"):
        train(here.folder, load=partial(other_scans, change))
    assert epochs == []


@pytest.mark.parametrize("change", ["seed", "gamma"])
def test_a_member_broken_off_with_another_config_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    killed(tmp_path, FULL.replace(seed=10), monkeypatch)
    for path in tmp_path.glob("member-0*"):
        path.rename(tmp_path / path.name.replace("0", "9"))
    (tmp_path / "member-1.training").rename(tmp_path / "member-0.training")
    with pytest.raises(CheckpointError, match=r"member-0\.training was trained on other data"):
        train(tmp_path, OTHERS[change])


def test_members_are_not_read_with_states_that_they_were_not_trained_on(tmp_path: Path) -> None:
    train(tmp_path, members=1)
    (path,) = tmp_path.glob("states-*.safetensors")
    arrays = safetensors.numpy.load(path.read_bytes())
    path.write_bytes(safetensors.numpy.save({n: a * 3 if "parts" in n else a for n, a in arrays.items()}))
    with pytest.raises(CheckpointError, match=r"member-0 is a model of other behavioural states; [^\n]*\.$"):
        train(tmp_path, members=1)
    path.unlink()
    train(tmp_path, members=1)  # fitted anew they are the same


def test_states_of_other_scans_or_settings_are_never_read(tmp_path: Path) -> None:
    """Only the states were fitted when the first ensemble was broken off."""
    shared = partial(members_of.share_states, tmp_path)
    shared(other_scans("content"), FULL)
    shared(LOAD(), OTHERS["state"])
    with pytest.raises(FileNotFoundError):
        members_of.read_shared_states(tmp_path, LOAD(), FULL)
    shared(LOAD(), FULL)
    assert len([*tmp_path.iterdir()]) == 3
    assert {
        name.split("/")[0] for name in members_of.read_shared_states(tmp_path, LOAD(), FULL)
    } == LOAD().keys()
    assert members_of.read_shared_states(tmp_path, LOAD(), PLAIN) == {}


def test_damaged_files_are_named(tmp_path: Path) -> None:
    members_of.share_states(tmp_path, LOAD(), FULL)
    (states,) = tmp_path.glob("states-*")
    states.write_bytes(states.read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r"states-\w+\.safetensors is damaged; remove it to fit"):
        train(tmp_path)
    (tmp_path / "member-0.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"member-0\.json is damaged"):
        train(tmp_path)


def test_damaged_weights_are_named_before_anything_is_trained(tmp_path: Path, epochs: list) -> None:
    train(tmp_path, PLAIN, members=1)
    path = tmp_path / "member-0.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    epochs.clear()
    with pytest.raises(CheckpointError, match=r"member-0\.safetensors is damaged"):
        train(tmp_path, PLAIN, members=2)
    assert epochs == []


def test_a_member_is_saved_as_an_experiment_saves_its_model(here: SimpleNamespace) -> None:
    opened = checkpoint.load(here.folder / "member-1")
    assert opened.facts["system"] == "sensorium" and opened.facts["uses_past_responses"] is True
    assert opened.facts["config"] == FULL.replace(seed=12).to_dict()
    assert opened.facts["data"] == identity(LOAD()) and opened.facts["data"]["scans"] == [*LOAD()]
    assert len(opened.facts["history"]["epoch"]) == 2
    states = members_of.read_shared_states(here.folder, LOAD(), FULL)
    assert all(np.array_equal(opened.arrays[name], states[name]) for name in states) and states


class OneImage(nn.Module):
    """A model of one's own without images: a rate of each neuron."""

    def __init__(self, sizes: dict[str, int], seed: int) -> None:
        super().__init__()
        self.sizes, self.seed = sizes, seed
        random = torch.Generator().manual_seed(seed)
        self.rates = nn.ParameterDict({k: torch.rand(n, generator=random) for k, n in sizes.items()})

    @property
    def configuration(self) -> dict[str, object]:
        return {"sizes": self.sizes, "seed": self.seed}

    def mouse(self, key: str) -> nn.Module:
        return Rates(self.rates[key])

    def regulariser(self, key: str) -> torch.Tensor:
        return torch.zeros(())


class Rates(nn.Module):
    def __init__(self, rates: torch.Tensor) -> None:
        super().__init__()
        self.rates = rates

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.rates.abs().expand(len(images), -1) + 0 * images.mean()


def one_image(mice: dict, config: SensoriumConfig) -> OneImage:
    return OneImage({key: mouse.scan.neurons for key, mouse in mice.items()}, config.seed)


def test_members_can_be_models_of_ones_own(tmp_path: Path, epochs: list) -> None:
    made = train(tmp_path, PLAIN, build=one_image)
    assert [type(member) for member in made.members] == [OneImage, OneImage]
    assert not same(*(weights(member) for member in made.members))
    epochs.clear()
    assert all_same(train(tmp_path, PLAIN, build=one_image), made) and epochs == []
    with pytest.raises(CheckpointError, match="holds a OneImage, not a SensoriumModel"):
        train(tmp_path, PLAIN, build=build)


# --- predictions and scores


def test_each_member_predicts_with_its_own_weights(here: SimpleNamespace) -> None:
    found = here.ensemble.predict("test")
    for number, (model, mice) in enumerate(zip(here.ensemble.members, here.ensemble.mice, strict=True)):
        for key, rates in predict(model, mice, "test").items():
            assert np.array_equal(found[key][number], rates)
    assert {key: values.shape for key, values in found.items()} == {
        "90000-1-1": (2, 12, 7), "90001-1-1": (2, 12, 8)
    }  # fmt: skip
    assert here.ensemble.predict("final_test")["90000-1-1"].shape == (2, 0, 7)


def test_the_ensemble_averages_rates_and_not_drives() -> None:
    """Around a drive of 0 the ELU is bent, so the rate of the mean drive is another number."""
    mice = task(LOAD(), PLAIN, device="cpu")
    models = tuple(build(mice, PLAIN.replace(seed=seed)).eval() for seed in (1, 2))
    for sign, model in zip((-1.5, 0.5), models, strict=True):
        for readout in model.readouts.values():
            torch.nn.init.constant_(readout.bias, sign)
    ensemble = Ensemble(models, (mice, mice))
    means = {key: values.mean(axis=0) for key, values in ensemble.predict("test").items()}
    for key, mouse in mice.items():
        (batch,) = mouse.batches(mouse.trials("test"), 100)
        with torch.no_grad():
            drives = torch.stack([model.mouse(key).drive(**batch.inputs) for model in models])
        assert means[key] == pytest.approx((F.elu(drives) + 1).mean(dim=0).numpy(), rel=1e-5)
        assert np.abs(means[key] - (F.elu(drives.mean(dim=0)) + 1).numpy()).min() > 0.05
    table = ensemble.score()
    expected = score_table(mice, means)
    assert table[table.model == "ensemble"].single_trial.tolist() == expected.single_trial.tolist()


def test_the_scores_name_members_and_the_whole(here: SimpleNamespace) -> None:
    table = here.ensemble.score()
    assert table.model.tolist() == ["member 0"] * 3 + ["member 1"] * 3 + ["ensemble"] * 3
    assert table.mouse.tolist() == ["90000-1-1", "90001-1-1", "all"] * 3
    mice = here.ensemble.mice[1]
    own = score_table(mice, predict(here.ensemble.members[1], mice, "test"))
    assert table[table.model == "member 1"].single_trial.tolist() == own.single_trial.tolist()
    assert table.single_trial.nunique() == 9


@pytest.mark.parametrize("tier", ["train", "validation"])
def test_tiers_that_a_member_used_cannot_score_the_whole(here: SimpleNamespace, tier: str) -> None:
    for asked in (here.ensemble.predict, here.ensemble.score):
        with pytest.raises(DataError, match=r"trained a member or chose its epoch; score .* test tiers only"):
            asked(tier)
