"""The SENSORIUM models refuse what they cannot use, in one sentence each."""

import numpy as np
import pytest
import torch
from torch import Tensor

from neurokit.errors import DataError, SettingsError
from neurokit.sensorium.config import CNN, MODEL_4, ModelSettings, MouseShape, SensoriumConfig
from neurokit.sensorium.model import SensoriumModel, make_model
from neurokit.sensorium.past_responses import StateSettings

A, B = "27204-5-13", "21067-10-18"
MICE = {A: MouseShape(neurons=7, trials=150), B: MouseShape(neurons=5, trials=130)}
COORDINATES = {key: np.arange(3.0 * shape.neurons).reshape(-1, 3) for key, shape in MICE.items()}


def made(settings: ModelSettings = MODEL_4) -> SensoriumModel:
    return make_model(MICE, settings.replace(channels=4, layers=1), seed=0, coordinates=COORDINATES)


def inputs(**changes: Tensor | None) -> dict[str, Tensor | None]:
    """All that Model 4 reads of mouse A, but for the changes."""
    given = {
        "images": torch.zeros(2, 36, 64),
        "behaviour": torch.zeros(2, 3),
        "pupil_center": torch.zeros(2, 2),
        "history": torch.zeros(2, 7, 5),
        "state": torch.zeros(2, 10),
        "rank": torch.zeros(2, dtype=torch.long),
    }
    return given | changes


def test_what_is_complete_is_not_refused() -> None:
    assert made().mouse(A)(**inputs()).shape == (2, 7)


def test_an_unknown_mouse_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DataError, match=f"has no mouse 'mouse1'; use one of {A}, {B}\\."):
        made().mouse("mouse1")


@pytest.mark.parametrize("name", ["behaviour", "pupil_center"])
def test_a_mouse_without_behaviour_is_refused_by_a_model_that_reads_it(name: str) -> None:
    with pytest.raises(DataError, match=f"This model reads {name}; pass it, or use a model without"):
        made().mouse(A)(**inputs(**{name: None}))


@pytest.mark.parametrize("name", ["behaviour", "pupil_center", "history", "state", "rank"])
def test_an_input_that_would_be_ignored_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=f"would ignore {name}; leave it out"):
        made(CNN).mouse(A)(images=inputs()["images"], **{name: inputs()[name]})


def test_cortical_positions_need_coordinates() -> None:
    with pytest.raises(DataError, match=f"coordinates lacks mouse '{B}'; give them, or use positions='free'"):
        make_model(MICE, CNN, seed=0, coordinates={A: COORDINATES[A]})
    assert make_model(MICE, CNN.replace(positions="free"), seed=0)


@pytest.mark.parametrize("key", ["", "mouse.1", "keys", "training"])
def test_keys_that_torch_cannot_store_are_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="which torch cannot store; use a key like 27204-5-13"):
        SensoriumModel({key: MouseShape(neurons=3)}, CNN)


def test_a_gain_needs_the_number_of_trials() -> None:
    with pytest.raises(SettingsError, match=f"{A} has 0 trials; give the number"):
        SensoriumModel({A: MouseShape(neurons=7)}, MODEL_4)


@pytest.mark.parametrize(
    ("field", "value", "finding"),
    [
        ("layers", 0, "layers is 0; .* 1 or more"),
        ("layers", 2.5, r"layers is 2\.5"),
        ("hidden_kernel", -3, "hidden_kernel is -3; .* 1 or more"),
        ("gamma_input", -0.1, "gamma_input is -0.1; .* 0 or more"),
        ("init_sigma", float("nan"), "init_sigma is nan"),
        ("input_kernel", 40, "input_kernel is 40; .* 1 to 36"),
        ("momentum", 3.0, "momentum is 3.0; .* 0 to 1"),
        ("init_mu_range", 1.5, "init_mu_range is 1.5; .* 0 to 0.999"),
        ("gain_width", 0.5, "gain_width is 0.5; .* 1 or more"),
        ("lags", 0, "lags is 0"),
    ],
)
def test_settings_that_make_no_model_are_refused(field: str, value: float, finding: str) -> None:
    with pytest.raises(SettingsError, match=finding):
        CNN.replace(**{field: value})


@pytest.mark.parametrize("field", ["lags", "states"])
def test_a_config_whose_features_do_not_fit_its_model_is_refused(field: str) -> None:
    made = {"lags": 5, "states": 10}[field]
    with pytest.raises(
        SettingsError, match=f"The model reads 3 {field}, of which {made} are made; use {made}"
    ):
        SensoriumConfig(model=CNN.replace(**{field: 3}))
    assert SensoriumConfig(model=CNN.replace(states=3), state=StateSettings(factors=3)).model.states == 3


@pytest.mark.parametrize(
    ("field", "finding"),
    [
        ("start", "start is 'foo'; use one of random, receptive_fields"),
        ("behaviour_scale", "behaviour_scale is 'foo'; use one of std, range"),
    ],
)
def test_words_that_a_config_does_not_know_are_refused(field: str, finding: str) -> None:
    with pytest.raises(SettingsError, match=finding):
        SensoriumConfig(**{field: "foo"})


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("gauss", "full, uncorrelated, isotropic"),
        ("positions", "cortex, free"),
        ("position_activation", "elu, relu"),
    ],
)
def test_unknown_words_are_refused_with_the_known_ones(field: str, known: str) -> None:
    with pytest.raises(SettingsError, match=f"{field} is 'round'; use one of {known}\\."):
        CNN.replace(**{field: "round"})
