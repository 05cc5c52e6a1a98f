"""Training of twins: what moves and what stays, what is scored, and how a killed run goes on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from neurokit.digital_twin.checkpoints import data_facts, open_twin, save_foundation, save_twin
from neurokit.digital_twin.clips import ClipBatch, MouseClips
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.network.network import FoundationNetwork, build_network
from neurokit.digital_twin.recording import Trial, TrialFolder
from neurokit.digital_twin.training import (
    ClipLoss,
    ClippedDescent,
    CohortNetwork,
    ValidationLoss,
    train_cohort,
    train_twin,
    transfer_core,
)
from neurokit.errors import CheckpointError, DataError, FitError, SettingsError
from neurokit.files.sealed import open_json, seal_json
from neurokit.training.fit import TrainingResult
from tests.digital_twin.toys import CONFIG, NETWORK, toy_network, toy_recording, toy_trials, weights


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> TrialFolder:
    return toy_recording(tmp_path_factory.mktemp("one") / "training_data")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> TrialFolder:
    """Another mouse with more units."""
    return toy_recording(tmp_path_factory.mktemp("other") / "training_data", units=4, seed=1)


def train(
    recording: TrialFolder, config: TwinConfig = CONFIG, *given: object, **options: object
) -> TrainingResult:
    return train_twin(recording, config, *given, device="cpu", show_progress=False, **options)


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(values, two[name]) for name, values in one.items())


def draw_clips(trials: list[Trial], config: TwinConfig = CONFIG, stream: int | None = 0) -> ClipBatch:
    return MouseClips("m", trials, config).draw(4, torch.Generator().manual_seed(1), stream)


def mean_loss(network: FoundationNetwork, batch: ClipBatch, burn_in: int = CONFIG.burn_in) -> Tensor:
    total, number = ClipLoss(burn_in)(CohortNetwork({"m": network}), batch)
    return total / number


def gradients(network: FoundationNetwork, batch: ClipBatch) -> dict[str, Tensor]:
    network.eval()  # no noise
    network.zero_grad(set_to_none=True)
    mean_loss(network, batch).backward()
    return {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}


def fast(config: TwinConfig) -> TwinConfig:
    return config.replace(cycles=config.cycles.replace(learning_rate=0.3))


# --- what is learnt


def test_training_finds_what_drives_the_units(recording: TrialFolder) -> None:
    """Units follow one half of the monitor, so the video tells more than their mean, whose loss is 1."""
    config = fast(CONFIG.replace(batches=5).with_epochs(12))
    fitted = train(recording, config)
    assert fitted.history.validation_loss.iloc[0] > 0.99
    assert fitted.best_loss == fitted.history.validation_loss.min() < 0.96
    blind = toy_recording(recording.path.with_name("blind"), lambda t: replace(t, stimulus=0 * t.stimulus))
    assert train(blind, config).best_loss > 0.98


@pytest.mark.parametrize("training", [True, False])
def test_an_untrained_network_has_a_loss_of_one(training: bool) -> None:
    fresh = build_network(3, NETWORK).train(training)
    assert mean_loss(fresh, draw_clips(toy_trials())).item() == 1.0
    mice = {"m": MouseClips("m", toy_trials(), CONFIG)}
    assert ValidationLoss(mice, CONFIG)(CohortNetwork({"m": fresh})) == 1.0
    assert mean_loss(toy_network().train(training), draw_clips(toy_trials())).item() != 1.0


def test_the_loss_is_that_of_the_unit_model() -> None:
    network, batch = toy_network(unit="elu").eval(), draw_clips(toy_trials())
    sequence = network.begin(4, stream=0)
    rates = network.rates(batch.video, batch.pupil, batch.behaviour, sequence)
    error = (rates - batch.responses)[CONFIG.burn_in :].square().mean()
    assert mean_loss(network, batch).item() == pytest.approx(error.item(), rel=1e-6)


def test_the_seed_decides_the_weights(recording: TrialFolder) -> None:
    one, again = (weights(train(recording).model) for _ in range(2))
    assert same(one, again)
    torch.manual_seed(99)  # torch's own generator does not count, and is left as it was
    before = torch.get_rng_state()
    assert same(one, weights(train(recording).model))
    assert torch.equal(torch.get_rng_state(), before)
    assert not same(one, weights(train(recording, CONFIG.replace(seed=4)).model))


# --- what is scored


def test_burn_in_is_shown_but_not_scored() -> None:
    def with_response(frame: int) -> ClipBatch:
        batch = draw_clips(toy_trials())
        batch.responses[frame] += 5
        return batch

    network = toy_network()
    base = gradients(network, draw_clips(toy_trials()))
    last_unscored = gradients(network, with_response(CONFIG.burn_in - 1))
    first_scored = gradients(network, with_response(CONFIG.burn_in))
    assert same(base, last_unscored) and not same(base, first_scored)
    dark = draw_clips(toy_trials())
    dark.video[: CONFIG.burn_in] = 0
    assert not same(base, gradients(network, dark))


@pytest.mark.parametrize("gaps", ["drop", "mean"])
def test_gaps_in_behaviour_never_reach_the_loss(tmp_path: Path, gaps: str) -> None:
    def with_gap(trial: Trial) -> Trial:
        trial.perspective[-4:], trial.modulation[:2, 0] = np.nan, np.nan
        return trial

    recording = toy_recording(tmp_path / "gaps", with_gap, frames=24)
    fitted = train(recording, CONFIG.replace(gaps=gaps))
    assert np.isfinite(fitted.history.to_numpy()).all()


@pytest.mark.parametrize("part", ["pupil", "behaviour"])
def test_a_gap_that_did_reach_it_would_be_noticed(part: str) -> None:
    batch = draw_clips(toy_trials())
    getattr(batch, part)[5, 0, 0] = torch.nan
    with pytest.raises(FitError, match=r"^The loss on clips of m became nan: lower"):
        mean_loss(toy_network(), batch)


def test_a_loss_that_is_not_finite_ends_training(recording: TrialFolder) -> None:
    huge = CONFIG.replace(cycles=CONFIG.cycles.replace(learning_rate=1e30))
    with pytest.raises(FitError, match=r"^The loss on clips of mouse became [^\n]*restored\.$"):
        train(recording, huge)


def test_a_neuron_whose_place_is_lost_makes_the_loss_say_so() -> None:
    """And does not end the process, as torch's own sampling at NaN does."""
    network = toy_network()
    with torch.no_grad():
        network.readout.position.mu[1, 0] = torch.nan
    batch = draw_clips(toy_trials())
    with pytest.raises(FitError, match="became nan"):
        mean_loss(network, batch)
    drive = network.eval()(batch.video, batch.pupil, batch.behaviour)
    assert drive[..., 1].isnan().all() and drive[..., [0, 2]].isfinite().all()


# --- what moves


def step(network: FoundationNetwork, batch: ClipBatch, config: TwinConfig = CONFIG) -> dict[str, Tensor]:
    """The weights after one step on these clips."""
    model = CohortNetwork({"m": network})
    optimizer, _ = ClippedDescent(config)(model, config.fit_settings)
    total, number = ClipLoss(config.burn_in)(model, batch)
    (total / number).backward()
    optimizer.step()
    return weights(network)


@pytest.mark.parametrize("stream", [0, 1])
def test_a_step_leaves_streams_that_took_no_part_alone(stream: int) -> None:
    network = toy_network()
    before = weights(network)
    after = step(network, draw_clips(toy_trials(), stream=stream))
    parameters = [name for name, _ in network.named_parameters()]
    of_other = {name for name in parameters if name.endswith(f".{1 - stream}")}
    unmoved = {name for name in parameters if torch.equal(before[name], after[name])}
    eye = {name for name in parameters if name.startswith("perspective.mlp")}  # it has one stream, called 0
    assert of_other - eye == unmoved and len(unmoved) > 20


def test_transfer_takes_over_and_freezes_what_mice_share() -> None:
    foundation = toy_network(units=4, seed=7)
    network = transfer_core(foundation, 3, seed=1)
    own, given = weights(network), weights(foundation)
    shared = [name for name in own if name.startswith(("core.", "modulation.lstm."))]
    assert len(shared) > 20 and all(torch.equal(own[name], given[name]) for name in shared)
    assert not any(torch.equal(own[n], given[n]) for n in own if n.startswith("readout.feature"))
    assert not any(p.requires_grad for module in network.shared.values() for p in module.parameters())
    assert all(p.requires_grad for p in foundation.parameters())
    network.core.feedforward.out.weights[0].data += 1
    assert same(given, weights(foundation))


def test_after_a_transfer_the_shared_part_is_as_it_was_to_the_bit(recording: TrialFolder) -> None:
    foundation = toy_network(units=4, seed=7, dropout=0.5)
    config = fast(CONFIG.replace(network=foundation.settings).with_epochs(4))
    before = weights(transfer_core(foundation, 3, seed=config.seed))
    fitted = train(recording, config, foundation)
    after = weights(fitted.model)
    fixed = ("core.", "modulation.lstm.", "perspective.retina.grid", "perspective.monitor_pixel")
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    assert moved == {name for name in after if not name.startswith(fixed)}
    assert fitted.best_loss < 1
    everything = weights(train(recording, config).model)
    start = weights(build_network(3, config.network, seed=config.seed))
    assert [
        name for name in start if name.startswith("core.") and not torch.equal(start[name], everything[name])
    ]


def frozen_modes(network: FoundationNetwork) -> set[bool]:
    return {part.training for module in network.shared.values() for part in module.modules()}


def test_frozen_parts_stay_in_evaluation_mode_without_dropout() -> None:
    foundation, batch = toy_network(units=3, dropout=0.5), draw_clips(toy_trials())

    def two_losses(network: FoundationNetwork) -> list[float]:
        noise = network.train()._draw(4, torch.Generator().manual_seed(0))
        return [
            network(
                batch.video,
                batch.pupil,
                batch.behaviour,
                replace(network.begin(4, noise=noise), generator=torch.Generator().manual_seed(seed)),
            )
            .sum()
            .item()
            for seed in (1, 2)
        ]

    one, two = two_losses(foundation)
    assert one != two
    foundation.freeze_shared()
    one, two = two_losses(foundation)
    assert one == two and frozen_modes(foundation) == {False} and foundation.readout.training


def test_a_cohort_of_transferred_networks_keeps_the_core_frozen() -> None:
    foundation = toy_network(dropout=0.5)
    model = CohortNetwork({mouse: transfer_core(foundation, units) for mouse, units in (("a", 3), ("b", 4))})
    model.train()
    assert all(frozen_modes(network) == {False} for network in model.mice.values())
    assert {network.readout.training for network in model.mice.values()} == {True}
    assert not any(p.requires_grad for p in model.shared_parameters())


# --- several mice


def test_mice_of_a_cohort_share_core_and_memory(recording: TrialFolder, other: TrialFolder) -> None:
    mice = {"a": recording, "b": other}
    fitted = train_cohort(mice, CONFIG, device="cpu", show_progress=False)
    a, b = fitted.model.mice["a"], fitted.model.mice["b"]
    assert a.core is b.core and a.modulation.lstm is b.modulation.lstm and a.perspective is not b.perspective
    assert (a.units, b.units) == (3, 4)
    trained = [id(parameter) for parameter, _ in fitted.model.trained_parameters()]
    assert len(trained) == len(set(trained)) == len({id(p) for p in fitted.model.parameters()})
    start = weights(build_network(3, NETWORK, seed=CONFIG.seed))
    for network in (a, b):
        moved = [name for name in start if not torch.equal(weights(network)[name], start[name])]
        assert {"core", "modulation", "perspective", "readout"} == {name.split(".")[0] for name in moved}
    alone = train_cohort({"a": recording}, CONFIG, device="cpu", show_progress=False)
    assert not same(weights(alone.model.mice["a"].core), weights(a.core))


@pytest.mark.parametrize("name", ["mouse.1", "", "keys"])
def test_a_name_that_no_mouse_can_have_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=r"^A mouse cannot have that name [^\n]*\.$"):
        CohortNetwork({name: toy_network()})
    with pytest.raises(DataError, match="at least one mouse"):
        CohortNetwork({})


# --- a killed run


class KilledError(Exception):
    pass


def killed_after(epoch: int) -> Callable[[int, float], None]:
    def on_epoch(now: int, loss: float) -> None:
        if now == epoch:
            raise KilledError

    return on_epoch


def test_a_killed_run_goes_on_as_if_nothing_had_been(recording: TrialFolder, tmp_path: Path) -> None:
    config, state = CONFIG.with_epochs(4), tmp_path / "run.pt"
    whole = train(recording, config)
    with pytest.raises(KilledError):
        train(recording, config, checkpoint=state, on_epoch=killed_after(1))
    seen = []
    resumed = train(recording, config, checkpoint=state, on_epoch=lambda epoch, _: seen.append(epoch))
    assert seen == [2, 3]
    assert same(weights(resumed.model), weights(whole.model))
    assert resumed.history.equals(whole.history) and resumed.best_loss == whole.best_loss
    with pytest.raises(ValueError, match="was trained on other data"):
        train(recording, config.replace(burn_in=3), checkpoint=state)


def test_a_killed_transfer_goes_on_with_the_same_foundation_alone(
    recording: TrialFolder, tmp_path: Path
) -> None:
    state = tmp_path / "run.pt"
    with pytest.raises(KilledError):
        train(recording, CONFIG, toy_network(), checkpoint=state, on_epoch=killed_after(0))
    with pytest.raises(CheckpointError, match="was trained on other data"):
        train(recording, CONFIG, toy_network(seed=1), checkpoint=state)
    with pytest.raises(CheckpointError):
        train(recording, CONFIG, checkpoint=state)
    assert len(train(recording, CONFIG, toy_network(), checkpoint=state).history) == 2


def inverted(trial: Trial) -> Trial:
    return replace(trial, stimulus=255 - trial.stimulus)


def dark_at_the_end(trial: Trial) -> Trial:
    return replace(trial, stimulus=np.concatenate([trial.stimulus[:-2], 0 * trial.stimulus[-2:]]))


def looking_elsewhere(trial: Trial) -> Trial:
    return replace(trial, perspective=trial.perspective + 1)


@pytest.mark.parametrize("change", [inverted, dark_at_the_end, looking_elsewhere])
def test_a_recording_that_shows_something_else_is_another(
    recording: TrialFolder, tmp_path: Path, change: Callable[[Trial], Trial]
) -> None:
    path, state = save_twin(toy_network(), tmp_path / "twin", CONFIG, recording), tmp_path / "run.pt"
    copied, changed = (toy_recording(tmp_path / name, do) for name, do in (("a", lambda t: t), ("b", change)))
    assert open_twin(path).data == data_facts(copied) != data_facts(changed)
    with pytest.raises(KilledError):
        train(recording, CONFIG, checkpoint=state, on_epoch=killed_after(0))
    with pytest.raises(CheckpointError, match="was trained on other data"):
        train(changed, CONFIG, checkpoint=state)
    train(copied, CONFIG, checkpoint=state)


# --- what does not fit


def test_recordings_that_do_not_fit_are_refused(recording: TrialFolder, other: TrialFolder) -> None:
    fitted_alone = TrialFolder(recording.path, recording.part(True))
    with pytest.raises(
        DataError,
        match=r"training_data has no trial to validate with: write False into some files of \S+/training\.$",
    ):
        train(fitted_alone)
    validation_alone = TrialFolder(recording.path, recording.part(False))
    with pytest.raises(
        DataError, match=r"has no trial to fit: write True into some files of \S+/training\.$"
    ):
        train(validation_alone)
    larger = CONFIG.replace(network=NETWORK.replace(monitor=(12, 18)))
    with pytest.raises(DataError, match=r"has frames of \(12, 16\) pixels, and the network reads \(12, 18\)"):
        train(recording, larger)
    with pytest.raises(DataError, match=r"has 4 units, and the network of m 3: give"):
        train_cohort({"m": other}, CONFIG, {"m": toy_network(units=3)}, device="cpu", show_progress=False)
    with pytest.raises(DataError, match=r"of m has other sizes than the config says: give a config"):
        given = {"m": toy_network(units=3, streams=3)}
        train_cohort({"m": recording}, CONFIG, given, device="cpu", show_progress=False)


# --- on disk


def test_a_saved_twin_comes_back_whole(recording: TrialFolder, tmp_path: Path) -> None:
    fitted = train(recording)
    save_twin(fitted.model, tmp_path / "twin", CONFIG, recording, history=fitted.history)
    twin = open_twin(tmp_path / "twin.safetensors")
    network, own = twin.network, data_facts(recording)
    assert twin.config == CONFIG and network.settings == NETWORK and not network.training
    assert same(weights(network), weights(fitted.model))
    assert twin.history.equals(fitted.history) and twin.data == own
    again = train(recording, CONFIG, network)
    assert same(weights(again.model.core), weights(network.core))


def test_what_a_twin_was_made_of_tells_recordings_and_cores_apart(
    recording: TrialFolder, other: TrialFolder
) -> None:
    cores = [None, toy_network(), toy_network(units=9), toy_network(seed=1)]
    found = [data_facts(each, core) for each in (recording, other) for core in cores]
    assert found[1] == found[2]  # the core is the same, whosever readout was trained on it
    assert len({str(each) for each in found}) == 6


def test_a_damaged_twin_is_refused(recording: TrialFolder, tmp_path: Path) -> None:
    path = save_twin(toy_network(), tmp_path / "twin", CONFIG, recording)
    sidecar = tmp_path / "twin.json"
    facts = open_json(sidecar.read_text())
    sidecar.write_text(seal_json({"receipt" if name == "config" else name: facts[name] for name in facts}))
    with pytest.raises(ValueError, match=r"^The side-car of [^\n]* holds no config of this version[^\n]*\.$"):
        open_twin(path)
    path.unlink()
    with pytest.raises(ValueError, match=r"twin\.safetensors is missing"):
        open_twin(path)


def test_a_foundation_is_a_twin_of_each_mouse(tmp_path: Path) -> None:
    model = CohortNetwork({"a": toy_network(units=3), "b": toy_network(units=4, seed=1)})
    paths = save_foundation(model, tmp_path, CONFIG)
    found = {mouse: open_twin(path).network for mouse, path in paths.items()}
    assert {mouse: network.units for mouse, network in found.items()} == {"a": 3, "b": 4}
    assert all(same(weights(found[mouse]), weights(model.mice[mouse])) for mouse in found)
    one, two = (transfer_core(found[mouse], 5) for mouse in "ab")
    assert same(weights(one), weights(two))


def test_numbers_that_json_does_not_know_come_back(tmp_path: Path) -> None:
    units = pd.DataFrame({"area": ["V1", "LM", None], "depth": [1.5, np.nan, 3.0]})
    found = open_twin(save_twin(toy_network(), tmp_path / "twin", CONFIG, units=units)).units
    assert found["area"].tolist()[:2] == ["V1", "LM"] and found["area"].isna().tolist() == [
        False,
        False,
        True,
    ]
    np.testing.assert_array_equal(found["depth"].astype(float), units["depth"])


# --- what is refused


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("window", 12.5, "window is 12.5; use a whole number of 1 or more"),
        ("batches", float("inf"), "batches is inf; use a whole number of 1 or more"),
        ("rounds", 0, "rounds is 0; use a whole number of 1 or more"),
        ("burn_in", 1.5, "burn_in is 1.5; use a whole number of 0 or more"),
        ("burn_in", -1, "burn_in is -1; use a whole number of 0 or more"),
        ("burn_in", CONFIG.window, "burn_in is 12 frames of clips of 12"),
        ("seed", 1.5, r"seed is 1.5; use a whole number from 0 to 2\^31 - 1"),
        ("seed", 2**31, "seed is 2147483648; use a whole number"),
        ("network", None, "network is None; use a FoundationSettings"),
        ("cycles", 10, "cycles is 10; use a CycleSettings"),
        ("sgd", None, "sgd is None; use a SgdClipSettings"),
    ],
)
def test_recipes_that_cannot_be_followed(name: str, value: object, says: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{says}[^\n]*\.$"):
        CONFIG.replace(**{name: value})


def test_recordings_without_a_network_and_paths_are_refused(recording: TrialFolder) -> None:
    given = {"a": recording, "b": recording}
    with pytest.raises(DataError, match=r"^There is no network for mouse b: give one for each recording\.$"):
        train_cohort(given, CONFIG, {"a": toy_network()}, device="cpu")
    unchecked = getattr(train_cohort, "__wrapped__", train_cohort)  # the import hook would answer
    with pytest.raises(DataError, match=r"^The recording of a is .*; give what \S*load_trials\S* of"):
        unchecked({"a": recording.path}, CONFIG, device="cpu")
    unchecked = getattr(train_twin, "__wrapped__", train_twin)
    with pytest.raises(DataError, match=r"^The recording of mouse is .*; give what \S*load_trials\S* of"):
        unchecked(recording.path, CONFIG, toy_network(), device="cpu")


@pytest.mark.parametrize(
    ("factor", "says"),
    [
        (0.0, "^All units of .*odd are 0 throughout training: look"),
        (1e-3, r"^Units of .*odd have a mean of 0.000\d+ in training, and it should be near 1: divide"),
        (1e3, r"^Units of .*odd have a mean of \S+ in training, and it should be near 1: divide"),
    ],
)
def test_responses_on_another_scale_are_refused(tmp_path: Path, factor: float, says: str) -> None:
    odd = toy_recording(tmp_path / "odd", lambda t: replace(t, units=t.units * np.float32(factor)))
    with pytest.raises(DataError, match=says):
        train(odd)


def test_rare_cells_that_are_silent_in_training_are_none(tmp_path: Path) -> None:
    """Two of three, and only the trials to fit count: those to validate with are all silent."""
    alone = np.array([1, 0, 0], dtype=np.float32)
    rare = toy_recording(tmp_path / "rare", lambda t: replace(t, units=t.units * alone * t.training))
    assert np.isfinite(train(rare, CONFIG.with_epochs(1)).best_loss)
