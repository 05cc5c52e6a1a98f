"""The V1 Transformer as its public description has it: its parts, its training, its place beside ours."""

import json

import numpy as np
import pytest
import torch

from neurokit.errors import DataError, SettingsError
from neurokit.training.settings import optimizer_and_schedule
from neurokit.v1_transformer import MODELS, DescribedTransformer, TransformerSettings, build, predict, train
from neurokit.v1_transformer import task as make_task
from tests.v1_transformer.test_training import CONFIG, session

SIZES = TransformerSettings(
    frame=(8, 16),
    clip_length=3,
    before=1,
    patch=4,
    step=4,
    width=8,
    heads=2,
    spatial_layers=0,
    temporal_layers=0,
)
FRAMES = torch.randn(5, 2, 8, 16, generator=torch.Generator().manual_seed(0))
SHOWN = torch.tensor([[0, 1, 2], [2, 3, 4]])
RUNNING = torch.randn(2, 2, 3, 2, generator=torch.Generator().manual_seed(1))
DESCRIBED = CONFIG.replace(family="described", fit=CONFIG.fit.replace(epochs=2))


def test_without_encoders_it_is_means_and_lines() -> None:
    """Plain patches of the newest frame, their mean, running added, the plain mean over time, a line."""
    model = DescribedTransformer(4, SIZES)
    weights = model.patches.weight[:, 0].flatten(1)
    newest = FRAMES[:, 1]
    tiles = newest.unfold(1, 4, 4).unfold(2, 4, 4).flatten(1, 2).flatten(2)  # U P pixels
    means = (tiles @ weights.T + model.patches.bias + model.places).mean(dim=1)  # U D
    clips = means[SHOWN] + model.running(RUNNING) + model.times
    torch.testing.assert_close(model(FRAMES, SHOWN, RUNNING), model.readout(clips.mean(dim=2)))


def test_it_reads_running_and_refuses_to_go_without() -> None:
    model = DescribedTransformer(4, SIZES.replace(spatial_layers=1, temporal_layers=1)).eval()
    assert model(FRAMES, SHOWN, RUNNING).shape == (2, 2, 4)
    assert not torch.allclose(model(FRAMES, SHOWN, RUNNING), model(FRAMES, SHOWN, RUNNING + 1))
    with pytest.raises(DataError, match="running is missing"):
        model(FRAMES, SHOWN)
    assert DescribedTransformer(4, SIZES.replace(running=None))(FRAMES, SHOWN).shape == (1, 2, 4)


def test_it_is_trained_by_adam_with_a_schedule_and_made_anew() -> None:
    task = make_task(session(), DESCRIBED)
    model = build(task, DESCRIBED)
    assert isinstance(model, DescribedTransformer)
    result = train(model, task, DESCRIBED, device="cpu", show_progress=False)
    again = DescribedTransformer(**json.loads(json.dumps(model.configuration)))
    again.load_state_dict(result.model.state_dict())
    np.testing.assert_array_equal(predict(again.eval(), task), predict(result.model, task))
    for config in (MODELS["as-described"].small, MODELS["as-described"].published):
        optimizer, _ = optimizer_and_schedule(model, config.fit)
        assert type(optimizer) is torch.optim.Adam and config.fit.schedule == "cosine"
        assert config.running == "measured" and config.model.running


@pytest.mark.parametrize("changes", [{"head": "per_frame"}, {"causal": True}])
def test_what_it_cannot_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="The model as described answers once a clip"):
        DESCRIBED.replace(model=DESCRIBED.model.replace(**changes))
