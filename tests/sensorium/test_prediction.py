"""Predicting a tier, with the model left as it was found, and the table of scores."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neurokit import metrics
from neurokit.errors import DataError
from neurokit.sensorium import MouseTrials, SensoriumModel, build, predict, score_table, single_trial, task
from neurokit.sensorium.baselines import BASELINES, behaviour_alone
from neurokit.sensorium.experiment import omissions
from neurokit.sensorium.scores import yardsticks
from tests.sensorium.toys import CONFIGS, FULL, PLAIN, same, toy_scan, toy_scans, weights

Mice = dict[str, MouseTrials]


def ready(config: str = "full", training: bool = False) -> tuple[SensoriumModel, Mice]:
    """A model that has met some data in training mode, so that its running statistics say something."""
    mice = task(toy_scans(), CONFIGS[config], device="cpu")
    model = build(mice, CONFIGS[config])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for key, mouse in mice.items():
            for batch in mouse.batches(mouse.trials("train"), 20):
                model.mouse(key)(**batch.inputs)
    return model.train(training), mice


def modes(model: SensoriumModel) -> list[bool]:
    return [module.training for module in model.modules()]


def equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


# --- evaluation mode


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("training", [False, True])
def test_predicting_twice_is_the_same_and_leaves_the_model_alone(config: str, training: bool) -> None:
    model, mice = ready(config, training)
    model.readouts[next(iter(mice))].eval()  # a mode of its own comes back too
    before, found, generator = weights(model), modes(model), torch.get_rng_state()
    one, two = (predict(model, mice, "test") for _ in range(2))
    assert equal(one, two)
    assert same(weights(model), before) and modes(model) == found
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(p.grad is None for p in model.parameters())


def test_rates_are_those_of_the_trials_in_file_order() -> None:
    model, mice = ready()
    found = predict(model, mice, "validation")
    for key, mouse in mice.items():
        for row, trial in enumerate(np.flatnonzero(mouse.scan.tiers == "validation")):
            (batch,) = mouse.batches(torch.tensor([trial]), 1)
            with torch.no_grad():
                expected = model.mouse(key)(**batch.inputs)[0].numpy()
            assert found[key][row] == pytest.approx(expected, rel=1e-4, abs=1e-6)
        assert found[key].shape == (8, mouse.scan.neurons) and found[key].dtype == np.float32
        assert np.ptp(found[key], axis=0).min() > 0


@pytest.mark.parametrize("mode", ["evaluation", "training"])
def test_the_batch_size_matters_in_training_mode_only(mode: str) -> None:
    """The spread of the readout's positions is zero here, so that nothing is drawn."""
    model, mice = ready()
    for readout in model.readouts.values():
        torch.nn.init.zeros_(readout.spread)
    small, large = (predict(model, mice, "test", mode=mode, batch_size=size) for size in (5, 100))
    for key in mice:
        agree = np.allclose(small[key], large[key], rtol=1e-4, atol=1e-6)
        assert agree == (mode == "evaluation")


# --- as published: training mode


@pytest.mark.parametrize("training", [False, True])
def test_training_mode_differs_and_leaves_buffers_and_modes(training: bool) -> None:
    model, mice = ready(training=training)
    before, found = weights(model), modes(model)
    assert any(name.endswith("num_batches_tracked") and int(values) > 0 for name, values in before.items())
    one = predict(model, mice, "test", mode="training")
    assert same(weights(model), before) and modes(model) == found
    assert not any(np.allclose(one[key], values) for key, values in predict(model, mice, "test").items())


def test_the_buffers_would_change_without_that() -> None:
    """The negative control: the same batches through a model in plain training mode."""
    model, mice = ready(training=True)
    before = weights(model)
    for key, mouse in mice.items():
        for batch in mouse.batches(mouse.trials("test"), 100):
            model.mouse(key)(**batch.inputs)
    assert not same(weights(model), before)


def test_training_mode_is_drawn_from_the_seed() -> None:
    model, mice = ready()

    def drawn(seed: int) -> dict[str, np.ndarray]:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return predict(model, mice, "test", mode="training")

    assert equal(drawn(1), drawn(1))
    assert not equal(drawn(1), drawn(2))


# --- edges


def test_a_tier_without_trials_gives_no_rows() -> None:
    model, mice = ready("plain")
    found = predict(model, mice, "final_test")
    assert [values.shape for values in found.values()] == [(0, 7), (0, 8)]


def test_unknown_words_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model, mice = ready("plain")
    with pytest.raises(DataError, match="'tset' is no tier"):
        predict(model, mice, "tset")
    with pytest.raises(DataError, match="The model has no mouse '90002-1-1'"):
        predict(model, task(toy_scans((2,)), PLAIN, device="cpu"), "test")
    with pytest.raises(DataError, match="mode is 'eval'; use one of evaluation, training"):
        unchecked = getattr(predict, "__wrapped__", predict)  # the import hook would answer
        unchecked(model, mice, "test", mode="eval")


# --- scores


def perfect(mice: Mice, tier: str = "test") -> dict[str, np.ndarray]:
    return {key: mouse.scan.responses[mouse.scan.tiers == tier] for key, mouse in mice.items()}


def test_the_table_has_a_row_per_mouse_and_one_over_all_neurons() -> None:
    model, mice = ready("plain")
    found = predict(model, mice, "test")
    table = score_table(mice, found).set_index("mouse")
    assert list(table.columns) == ["neurons", "single_trial", "spread", "to_average", "feve"]
    assert list(table.index) == [*mice, "all"]
    assert score_table(mice, dict(reversed(found.items()))).mouse.tolist() == [*reversed(mice), "all"]
    assert table.neurons.tolist() == [7, 8, 15]
    each = {key: np.array([np.corrcoef(*pair)[0, 1] for pair in zip(found[key].T, y.T, strict=True)])
            for key, y in perfect(mice).items()}  # fmt: skip
    for key, values in (each | {"all": np.concatenate([*each.values()])}).items():
        assert table.single_trial[key] == pytest.approx(values.mean(), abs=1e-5)
        assert table.spread[key] == pytest.approx(values.std(ddof=1), abs=1e-5)
    over_mice = np.mean([values.mean() for values in each.values()])
    assert abs(over_mice - table.single_trial["all"]) > 1e-4  # the mean over mice is another number
    key = next(iter(mice))
    assert single_trial(mice[key], "test", found[key]) == pytest.approx(each[key], abs=1e-5)


def test_a_perfect_prediction_scores_one_and_a_shuffled_one_about_nothing() -> None:
    scan = toy_scan(neurons=200, trials=120)
    mice = task({scan.key: scan}, PLAIN, device="cpu")
    right = perfect(mice)
    row = score_table(mice, right).iloc[-1]
    assert (row.single_trial, row.to_average, row.spread) == pytest.approx((1, 1, 0), abs=1e-6)
    random = np.random.default_rng(0)
    wrong = {key: random.permuted(values, axis=0) for key, values in right.items()}
    row = score_table(mice, wrong).iloc[-1]
    assert abs(row.single_trial) < 0.1 and abs(row.to_average) < 0.1 and row.feve < 0


def test_one_neuron_has_baselines_and_scores_too() -> None:
    scan = toy_scan(neurons=1)
    mice = task({scan.key: scan}, PLAIN, device="cpu")
    for part in ("validation", "test"):
        for baseline in BASELINES.values():
            found = baseline(mice[scan.key], part)
            assert found.shape == (len(mice[scan.key].trials(part)), 1) and np.isfinite(found).all()
    row = score_table(mice, {scan.key: behaviour_alone(mice[scan.key])}).iloc[0]
    assert row.neurons == 1 and np.isfinite(row.single_trial)
    assert set(yardsticks(mice, PLAIN)) == {"behaviour alone"}


def test_an_image_shown_once_is_left_out_of_feve_alone() -> None:
    scan = toy_scan(neurons=20, trials=120)
    mice = task({scan.key: scan}, PLAIN, device="cpu")
    guess = {key: values + 0.1 for key, values in perfect(mice).items()}
    before = score_table(mice, guess).iloc[0]
    trials = np.flatnonzero(scan.tiers == "test")
    images = scan.image_ids.copy()
    images[trials[-1]] = 9_999
    other = task({scan.key: replace(scan, image_ids=images)}, PLAIN, device="cpu")
    after = score_table(other, guess).iloc[0]
    again = scan.image_ids[trials][:-1]
    wanted = metrics.feve(scan.responses[trials][:-1], guess[scan.key][:-1], again)
    assert after.feve == pytest.approx(wanted.mean) and np.isfinite(after.feve)
    assert after.single_trial == before.single_trial
    (omission,) = omissions(other)
    assert omission.names == ("9999",) and omission.rule == "shown_once" and omission.part == "test"
    assert omission.number == len(np.unique(images[trials])) and not omissions(mice)
    assert np.isnan(
        metrics.feve(scan.responses[trials], guess[scan.key], images[trials]).mean
    )  # the official
    images[trials] = np.arange(len(trials)) + 20_000
    once = task({scan.key: replace(scan, image_ids=images)}, PLAIN, device="cpu")
    assert np.isnan(score_table(once, guess).iloc[0].feve)
    assert not omissions(once)  # FEVE is left out, not an image of it


def test_feve_is_the_mean_over_reliable_neurons_of_all_mice() -> None:
    mice = task(toy_scans(), PLAIN, device="cpu")
    random = np.random.default_rng(0)
    for mouse in mice.values():
        mouse.scan.responses[:, 0] = random.gamma(1.0, 1.0, len(mouse.tiers))  # nothing repeats
    guess = {key: values + random.normal(0, 0.2, values.shape) for key, values in perfect(mice).items()}
    kept = []
    for key, mouse in mice.items():
        images = mouse.scan.image_ids[mouse.scan.tiers == "test"]
        explained = metrics.feve(perfect(mice)[key], guess[key], images)
        assert not explained.included.all() and explained.included.any()
        kept.append(explained.fraction_explained[explained.included])
    table = score_table(mice, guess)
    assert table.feve.tolist() == pytest.approx([*(k.mean() for k in kept), np.concatenate(kept).mean()])


def test_images_shown_once_have_no_feve_and_the_rest_is_scored() -> None:
    mice = task(toy_scans(), PLAIN, device="cpu")
    table = score_table(mice, perfect(mice, "validation"), "validation")
    assert table.feve.isna().all()
    assert table.single_trial.tolist() == pytest.approx([1, 1, 1])


def test_a_withheld_tier_is_not_scored() -> None:
    scan = toy_scan()
    hidden = replace(scan, responses=np.where(scan.tiers[:, None] == "test", np.float32(0), scan.responses))
    mice = task({scan.key: hidden}, FULL, device="cpu")
    guess = predict(build(mice, FULL), mice, "test")
    with pytest.raises(DataError, match=r"^Scan 90000-1-1 withholds the responses of tier 'test'; score an"):
        score_table(mice, guess)
    with pytest.raises(DataError, match="no trial to score"):
        score_table(mice, {scan.key: guess[scan.key][:0]}, "final_test")
