"""Training on scans: steps over mice, the loss by hand, what stops it, checkpoints, a scan end to end."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from neurokit.errors import CheckpointError, DataError, FitError
from neurokit.sensorium import MODELS, SensoriumConfig, arrays, build, facts, fit_states, predict, task, train
from neurokit.sensorium import features as mouse_trials
from neurokit.sensorium.config import CNN_PLUS
from neurokit.sensorium.features import InputSettings, MouseBatch, MouseTrials
from neurokit.sensorium.model import SensoriumModel
from neurokit.sensorium.readout import contrast_centers, retinotopic_plane
from neurokit.sensorium.recording import Scan, load_scan
from neurokit.sensorium.simulated_mouse import MouseParameters
from neurokit.sensorium.simulation import ScanParameters, simulate_scan, write_scan
from neurokit.sensorium.training import ManyMice, ValidationCorrelation, loss
from neurokit.training import checkpoint
from neurokit.training.fit import TrainingResult
from neurokit.training.settings import FitSettings
from tests.sensorium.batch_toys import ALL, dealt, generator, same_batches, shown
from tests.sensorium.toys import BRIEF, CONFIGS, FULL, PLAIN, PLUS, STATE, same, toy_scan, toy_scans, weights

# --- steps over several mice


def many(inputs: InputSettings = InputSettings()) -> ManyMice:  # noqa: B008  frozen
    """40, 28 and 16 training trials."""
    mice = {key: MouseTrials(scan, inputs) for key, scan in toy_scans((0, 1, 2)).items()}
    assert [len(mouse.trials("train")) for mouse in mice.values()] == [40, 28, 16]
    return ManyMice(mice)


@pytest.mark.parametrize(("size", "steps"), [(16, 3), (8, 5), (40, 1), (100, 1), (39, 2)])
def test_an_epoch_is_as_long_as_the_longest_mouse(size: int, steps: int) -> None:
    mice = many()
    epoch = list(mice.steps(size, generator()))
    assert len(epoch) == steps
    assert all([batch.key for batch in step] == list(mice.mice) for step in epoch)


def test_the_longest_mouse_is_seen_once_and_the_others_start_anew_in_another_order() -> None:
    mice = many()
    epoch, keys = list(mice.steps(8, generator())), list(mice.mice)
    seen = {key: shown(mice.mice[key].scan, [step[n] for step in epoch]) for n, key in enumerate(keys)}
    train = {key: mouse.trials("train").tolist() for key, mouse in mice.mice.items()}
    assert sorted(seen[keys[0]]) == train[keys[0]]
    middle, least = seen[keys[1]], seen[keys[2]]  # 28 = 8 + 8 + 8 + 4, then 8; 16 = 8 + 8, twice, then 8
    assert sorted(middle[:28]) == train[keys[1]] and len(middle) == 36
    assert sorted(least[:16]) == sorted(least[16:32]) == train[keys[2]] and len(least) == 40
    assert least[:16] != least[16:32]
    assert max(Counter(middle[28:]).values()) == 1


def test_no_trial_of_another_tier_is_ever_used() -> None:
    mice, moving = many(), generator()
    for _ in range(4):
        for step in mice.steps(8, moving):
            for batch in step:
                scan = mice.mice[batch.key].scan
                assert set(scan.tiers[shown(scan, [batch])]) == {"train"}


def test_epochs_differ_and_the_seed_decides() -> None:
    mice, moving = many(), generator(3)

    def epoch(source: torch.Generator) -> list[MouseBatch]:
        return [batch for step in mice.steps(8, source) for batch in step]

    first, second = epoch(moving), epoch(moving)
    assert same_batches(first, epoch(generator(3))) and not same_batches(first, second)
    assert not same_batches(first, epoch(generator(4)))


def test_the_fingerprint_tells_scans_tiers_inputs_and_states_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    scan, fitted = toy_scan(), MouseTrials(toy_scan(1), ALL).state

    def of(mouse: MouseTrials, **options: str) -> str:
        return ManyMice({mouse.scan.key: mouse}, **options).fingerprint()

    changed = [
        of(MouseTrials(scan, ALL)),
        of(MouseTrials(scan, ALL.replace(behaviour="std"))),
        of(MouseTrials(scan, ALL.replace(rank=False))),
        of(MouseTrials(scan, ALL.replace(state_settings=STATE.replace(seed=1)))),
        of(MouseTrials(scan, ALL, state=fitted)),
        of(MouseTrials(scan, ALL, tiers=dealt(scan))),
        of(MouseTrials(replace(scan, fingerprint="another"), ALL)),
        of(MouseTrials(replace(scan, key="another"), ALL)),
        of(MouseTrials(scan, ALL), tier="validation"),
        of(MouseTrials(scan, ALL), note="another config"),
        many(ALL).fingerprint(),
    ]
    assert len(set(changed)) == len(changed)
    monkeypatch.setattr(mouse_trials, "_count_free_bytes", lambda device: 0)
    assert changed[0] == of(MouseTrials(toy_scan(), ALL).to("cpu"))


def test_mice_without_trials_to_train_on_are_refused() -> None:
    """An endless stream of nothing would never end."""
    scan = toy_scan()
    empty = MouseTrials(scan, tiers=np.where(scan.tiers == "train", "test", scan.tiers))
    with pytest.raises(DataError, match=r"^Scan b has no trials of tier 'train'; give scans [^\n]*\.$"):
        ManyMice({"a": MouseTrials(scan), "b": empty})
    with pytest.raises(DataError, match="Without a scan there are no trials of tier 'train'"):
        ManyMice({})


# --- training


def ready(config: SensoriumConfig = FULL) -> tuple[SensoriumModel, dict[str, MouseTrials]]:
    mice = task(toy_scans(), config, device="cpu")
    return build(mice, config), mice


def trained(
    mice: dict[str, MouseTrials], config: SensoriumConfig = FULL, **options: object
) -> TrainingResult:
    return train(build(mice, config), mice, config, show_progress=False, **options)


# --- building


def test_the_seed_draws_the_weights_and_nothing_else_does() -> None:
    mice = task(toy_scans(), FULL, device="cpu")
    torch.manual_seed(1)
    one, before = build(mice, FULL), torch.get_rng_state()
    torch.manual_seed(2)
    two, other = build(mice, FULL), build(mice, FULL.replace(seed=12))
    assert same(weights(one), weights(two)) and not same(weights(one), weights(other))
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert [(shape.neurons, shape.trials) for shape in one.mice.values()] == [(7, 60), (8, 48)]


def test_states_are_fitted_for_each_scan_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    scans = toy_scans()
    states = fit_states(scans, FULL)
    own = task(scans, FULL, device="cpu")
    monkeypatch.setattr(mouse_trials, "fit_state", lambda *_: pytest.fail("fitted again"))
    given = task(scans, FULL, arrays=states, device="cpu")
    for key, mouse in given.items():
        assert mouse.state is not None and mouse.state.parts is states[f"{key}/parts"]
        assert torch.equal(*(next(m.batches(torch.arange(9), 9)).inputs["state"] for m in (mouse, own[key])))


def test_nothing_and_scans_that_lack_something_are_refused() -> None:
    with pytest.raises(DataError, match=r"^There is no scan to prepare; give at least one\.$"):
        task({}, FULL)
    with pytest.raises(DataError, match="has no behaviour"):
        task({"a": toy_scan(behaviour=False)}, PLUS)
    with pytest.raises(DataError, match="does not tell the order"):
        task({"a": toy_scan(ordered=False)}, FULL)


# --- the loss


def penalties(model: SensoriumModel, key: str) -> float:
    """All penalties but the core's, from the model's parts."""
    settings, modulator = model.settings, model.modulators[key]
    sparsity = settings.gamma_readout * model.readouts[key].features.abs().sum()
    return float(sparsity.detach() + modulator.regulariser().detach())


@pytest.mark.parametrize("config", CONFIGS)
def test_the_loss_of_a_batch_by_hand(config: str) -> None:
    model, mice = ready(CONFIGS[config])
    model.eval()
    for (key, mouse), (trials, neurons) in zip(mice.items(), ((60, 7), (48, 8)), strict=True):
        batch = next(mouse.batches(mouse.trials("train"), 11))
        with torch.no_grad():
            rates = model.mouse(key)(**batch.inputs).numpy().astype(np.float64)
            total, number = loss(model, batch)
            core = float(model.settings.gamma_input * model.core.regulariser())
        seen = mouse.scan.responses[np.flatnonzero(mouse.scan.tiers == "train")[:11]].astype(np.float64)
        assert rates.shape == seen.shape == (11, neurons)
        poisson = np.sqrt(trials / 11) * (rates - seen * np.log(rates + 1e-12)).sum()
        assert float(total) == pytest.approx(poisson + core + penalties(model, key), rel=1e-5)
        assert (float(number), core > 0) == (1.0, True)


def gradients(model: SensoriumModel, total: Tensor) -> dict[str, Tensor]:
    found = torch.autograd.grad(total, list(model.parameters()), allow_unused=True)
    names = [name for name, _ in model.named_parameters()]
    return {n: g for n, g in zip(names, found, strict=True) if g is not None}


def test_a_step_counts_the_core_once_for_each_mouse() -> None:
    """With the Poisson part taken away, what is left of a step's gradients are the penalties'."""
    model, mice = ready()
    model.eval()
    batches = [next(mouse.batches(mouse.trials("train"), 16)) for mouse in mice.values()]
    for parameter in model.parameters():
        parameter.grad = None
    for batch in batches:  # as `fit` adds them up
        total, number = loss(model, replace(batch, scale=0.0))
        (total / number).backward()
    settings = model.settings
    core = gradients(model, settings.gamma_input * model.core.regulariser())
    assert core and all(name.startswith("core.") for name in core)
    for name, gradient in core.items():
        found = dict(model.named_parameters())[name].grad
        assert torch.allclose(found, 2 * gradient, rtol=1e-4) and gradient.abs().max() > 0
    for key in mice:
        features = model.readouts[key].features
        assert torch.allclose(features.grad, settings.gamma_readout * features.sign())


# --- the number that stops training


def test_validation_is_a_mean_over_all_neurons_in_evaluation_mode() -> None:
    """7 and 30 neurons, so that a mean over mice would be another number."""
    scans = {scan.key: scan for scan in (toy_scan(0), toy_scan(1, neurons=30))}
    mice = task(scans, PLUS, device="cpu")
    model = build(mice, PLUS).train()
    model.core.eval()
    modes, before = [m.training for m in model.modules()], weights(model)
    found = ValidationCorrelation(mice, 5)(model)
    assert [m.training for m in model.modules()] == modes and same(weights(model), before)
    each = []
    for key, rates in predict(model, mice, "validation").items():
        seen = scans[key].responses[scans[key].tiers == "validation"]
        each.append([np.corrcoef(*pair)[0, 1] for pair in zip(rates.T, seen.T, strict=True)])
    assert found == pytest.approx(-np.mean(np.concatenate(each)), abs=1e-5)
    assert abs(-found - np.mean([np.mean(values) for values in each])) > 1e-3


def test_validation_is_called_on_validation_trials_alone() -> None:
    model, mice = ready(PLAIN)
    scan = toy_scan()
    other = task({scan.key: spoiled(scan, "train", "test")}, PLAIN, device="cpu")
    first = {scan.key: mice[scan.key]}
    assert ValidationCorrelation(first, 8)(model) == ValidationCorrelation(other, 8)(model)
    third = task({scan.key: spoiled(scan, "validation")}, PLAIN, device="cpu")
    assert ValidationCorrelation(first, 8)(model) != ValidationCorrelation(third, 8)(model)


def spoiled(scan: Scan, *tiers: str) -> Scan:
    """Other responses in these tiers."""
    chosen = np.isin(scan.tiers, tiers)
    changed = np.random.default_rng(3).gamma(1.0, 2.0, scan.responses.shape).astype(np.float32)
    return replace(scan, responses=np.where(chosen[:, None], changed, scan.responses))


def test_a_model_that_diverges_is_named_as_such() -> None:
    mice = task(toy_scans(), PLAIN, device="cpu")
    config = PLAIN.replace(fit=BRIEF.replace(learning_rate=1e30))
    with pytest.raises(FitError, match=r"loss became (nan|inf) in epoch 0: lower learning_rate"):
        trained(mice, config)


def test_one_validation_trial_is_too_few_to_choose_an_epoch() -> None:
    """A correlation over one trial is 0 for ever, and epoch 0 would be the best; two are taken."""
    scan = toy_scan()
    for left in (1, 2):
        tiers = scan.tiers.copy()
        tiers[np.flatnonzero(tiers == "validation")[left:]] = "train"
        mice = task({scan.key: replace(scan, tiers=tiers)}, PLAIN, device="cpu")
        if left == 1:
            with pytest.raises(DataError, match=rf"Scan {scan.key} has one validation trial"):
                train(build(mice, PLAIN), mice, PLAIN, show_progress=False)
        else:
            train(build(mice, PLAIN), mice, PLAIN, show_progress=False)


@pytest.mark.parametrize("tier", ["train", "validation"])
def test_mice_without_trials_are_refused_before_anything_is_trained(tier: str) -> None:
    scan = toy_scan()
    tiers = {scan.key: np.where(scan.tiers == tier, "test", scan.tiers)}
    mice = task({scan.key: scan}, PLAIN, tiers=tiers, device="cpu")
    with pytest.raises(DataError, match=f"Scan 90000-1-1 has no trials of tier '{tier}'"):
        trained(mice, PLAIN, on_epoch=lambda *_: pytest.fail("trained"))


def test_test_responses_change_no_weight() -> None:
    """The whole training run, history and state included; validation ones do change it."""

    def result(change: Callable[[Scan], Scan]) -> dict[str, Tensor]:
        scans = {key: change(scan) for key, scan in toy_scans().items()}
        return weights(trained(task(scans, FULL, device="cpu")).model)

    plain = result(lambda scan: scan)
    assert same(plain, result(lambda scan: spoiled(scan, "test")))
    assert not same(plain, result(lambda scan: spoiled(scan, "validation")))


# --- killed and gone on


class Stopped(Exception):  # noqa: N818
    """Stands for a kill."""


def kill_after(epoch: int) -> Callable[[int, float], None]:
    def on_epoch(done: int, _: float) -> None:
        if done == epoch:
            raise Stopped

    return on_epoch


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    config = FULL.replace(fit=BRIEF.replace(epochs=4, schedule="cosine"))
    mice, path = task(toy_scans(), config, device="cpu"), tmp_path / "run.training"
    torch.manual_seed(9)
    before = torch.get_rng_state()
    straight = trained(mice, config)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(Stopped):
        trained(mice, config, checkpoint=path, on_epoch=kill_after(1))
    torch.rand(5)
    anew, epochs = task(toy_scans(), config, device="cpu"), []
    gone_on = trained(anew, config, checkpoint=path, on_epoch=lambda epoch, _: epochs.append(epoch))
    assert epochs == [2, 3]
    assert same(weights(gone_on.model), weights(straight.model))
    assert gone_on.history.equals(straight.history)


CHANGES = {
    "gamma": FULL.replace(model=FULL.model.replace(gamma_readout=1.0)),
    "seed": FULL.replace(seed=12),
    "state": FULL.replace(state=STATE.replace(seed=1)),
    "behaviour": FULL.replace(behaviour_scale="std"),
    "fit": FULL.replace(fit=BRIEF.replace(seed=4)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_killed_training_of_another_config_is_not_gone_on_with(tmp_path: Path, change: str) -> None:
    path = tmp_path / "run.training"
    with pytest.raises(Stopped):
        trained(task(toy_scans(), FULL, device="cpu"), checkpoint=path, on_epoch=kill_after(0))
    config = CHANGES[change]
    with pytest.raises(CheckpointError, match=r"run\.training was trained (on|with) other"):
        trained(task(toy_scans(), config, device="cpu"), config, checkpoint=path)


# --- saved and loaded


def test_a_saved_model_predicts_the_same(tmp_path: Path) -> None:
    mice = task(toy_scans(), FULL, device="cpu")
    model = trained(mice).model
    checkpoint.save(model, tmp_path / "m", arrays=arrays(mice), **facts(mice))
    opened = checkpoint.load(tmp_path / "m", SensoriumModel)
    assert not opened.model.training and same(weights(opened.model), weights(model))
    anew = task(toy_scans(), FULL, arrays=opened.arrays, device="cpu")
    for mode in ("evaluation", "training"):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            one = predict(model, mice, "test", mode=mode)
            torch.manual_seed(0)
            two = predict(opened.model, anew, "test", mode=mode)
        assert all(np.array_equal(one[key], two[key]) for key in one)
    assert opened.facts["uses_past_responses"] is True
    assert opened.facts["unit_ids"] == {"90000-1-1": [*range(1, 8)], "90001-1-1": [*range(1, 9)]}


def test_states_come_back_as_they_were_and_not_as_they_would_be_fitted() -> None:
    scans = toy_scans()
    foreign = fit_states({key: spoiled(scan, "train") for key, scan in scans.items()}, FULL)
    held, fitted = arrays(task(scans, FULL, arrays=foreign, device="cpu")), fit_states(scans, FULL)
    for name, values in foreign.items():
        assert np.array_equal(held[name], values)
    assert not np.array_equal(held["90000-1-1/parts"], fitted["90000-1-1/parts"])


def test_a_state_that_is_not_whole_is_refused() -> None:
    scans = toy_scans()
    states = fit_states(scans, FULL)
    del states["90001-1-1/decoder"]
    with pytest.raises(
        DataError, match=r"A saved state holds .*'converged', 'encoder'.* fit the state again"
    ):
        task(scans, FULL, arrays=states)


@pytest.mark.parametrize("name", CONFIGS)
def test_scales_of_what_a_model_reads_travel_with_it(name: str) -> None:
    """Those of the scan's statistics; a model without behaviour has none of it."""
    (mouse,) = (mice := task(toy_scans((0,)), CONFIGS[name], device="cpu")).values()
    held = {each.partition("/")[2]: values for each, values in arrays(mice).items()}
    known = mouse.scan.statistics
    assert held["images_std"] == 50 and held["images_mean"] == 110
    assert ("pupil_center_start" in held) == ("behaviour_spread" in held) == (name != "plain")
    assert ("parts" in held) == facts(mice)["uses_past_responses"] == (name == "full")
    if name != "plain":
        raw = mouse.scan.pupil_center[[0]]
        scaled = (raw - held["pupil_center_start"]) / held["pupil_center_spread"]
        batch = next(mouse.batches(torch.tensor([0]), 1))
        assert batch.inputs["pupil_center"].numpy() == pytest.approx(scaled)
        assert np.array_equal(held["pupil_center_start"], known["pupil_center"]["mean"])


def test_the_winning_entry_is_as_published() -> None:
    """Behaviour from 0 to 1, and members with seeds from 100 on; the baselines have neither."""
    entry, baseline = MODELS["model_4"].published, MODELS["cnn_plus"].published
    assert (entry.behaviour_scale, entry.seed) == ("range", 100)
    assert (baseline.behaviour_scale, baseline.seed) == ("std", 42)


@pytest.mark.parametrize("shifter", [True, False])
def test_a_measured_start_looks_where_it_was_measured(shifter: bool) -> None:
    """Position and shift together, at mean pupil position: a fresh shifter moves all positions at once."""
    config = PLUS.replace(start="receptive_fields", model=PLUS.model.replace(shifter=shifter))
    mice = task(toy_scans((0,)), config, device="cpu")
    model, (key, mouse) = build(mice, config), *mice.items()
    trials = mouse.trials("train").numpy()
    centers = contrast_centers(mouse.scan.images[trials], mouse.scan.responses[trials])
    wanted = model.core.geometry().positions(retinotopic_plane(mouse.scan.coordinates, centers))
    with torch.no_grad():
        shift = model.shifters[key](torch.zeros(1, 2)) if shifter else torch.zeros(1, 2)
        found = (model.readouts[key].positions() + shift).numpy()
    assert np.abs(wanted).max() < 0.9, "the perceptron cannot leave the map"
    np.testing.assert_allclose(found, wanted, atol=0.03)
    assert not shifter or shift.abs().max() > 0.06


def test_a_config_survives_json() -> None:
    """Every setting of every config comes back as the same value of the same kind."""
    for config in CONFIGS.values():
        assert repr(SensoriumConfig.from_json(config.to_json())) == repr(config)


# --- a small simulated scan, from zip to score

SHORT = SensoriumConfig(
    model=CNN_PLUS.replace(channels=8, layers=2, input_kernel=11),
    fit=FitSettings(
        epochs=8, batch_size=16, learning_rate=0.009, clip=None, patience=None, schedule="cosine", warm_up=2
    ),
    behaviour_scale="range",
    seed=0,
)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    folder = tmp_path_factory.mktemp("scan")
    mouse = MouseParameters(neurons=20, seed=3)
    parameters = ScanParameters(mouse=mouse, train=150, validation=60, test_images=4, repeats=3)
    return load_scan(write_scan(simulate_scan(parameters), folder), folder / "packed")


def last_correlation(scan: Scan) -> float:
    """Validation correlation after the last epoch, which nothing has chosen."""
    history = trained(task({scan.key: scan}, SHORT, device="cpu"), SHORT).history
    return -float(history.validation_loss.iloc[-1])


def test_a_small_simulated_scan_is_learned(simulated: Scan) -> None:
    mice = task({simulated.key: simulated}, SHORT, device="cpu")
    untrained = -ValidationCorrelation(mice, 16)(build(mice, SHORT))
    assert last_correlation(simulated) > 0.12 > abs(untrained)


def test_shuffled_responses_teach_nothing(simulated: Scan) -> None:
    """The control: the same responses, each given to another trial."""
    shuffled = np.random.default_rng(0).permutation(simulated.responses)
    assert abs(last_correlation(replace(simulated, responses=shuffled))) < 0.12
