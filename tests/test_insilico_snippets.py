"""Attribution of a snippet's frames: the same model, known places and times, and completeness."""

import pytest
import torch
from torch import Tensor, nn

from neurokit.errors import DataError
from neurokit.features.movie_split import split_movie
from neurokit.features.snippets import Snippets
from neurokit.insilico import AtRunning, attribution_maps, shown_frames
from neurokit.models.transformer import V1Transformer, build
from neurokit.models.transformer_settings import TransformerSettings
from tests.movie_toys import FRAMES, NEURONS, toy_snippets

SETTINGS = TransformerSettings(
    frame=(8, 16), snippet=4, before=2, patch=4, step=4, width=8, heads=2, spatial_layers=1,
    temporal_layers=1, dropout=0.0, patch_dropout=0.0,
)  # fmt: skip
ENDS = torch.tensor([30, 41, 55])


@pytest.fixture
def snippets() -> Snippets:
    split = split_movie(FRAMES, snippet=11, lag=2)
    return toy_snippets(split, length=4, before=2, stride=2)


@pytest.fixture
def model() -> V1Transformer:
    return build(NEURONS, SETTINGS, seed=0).eval()


def test_it_is_the_model_at_mean_speed(model: V1Transformer, snippets: Snippets) -> None:
    batch = snippets.batch(torch.tensor([1]), ENDS)
    mean = torch.tensor([0.0, 1.0]).expand_as(batch.running)
    torch.nn.init.normal_(model.modulation.of_running[-1].weight)  # so that the speed counts
    found = AtRunning(model)(shown_frames(snippets, ENDS))
    torch.testing.assert_close(found, model(batch.frames, batch.shown, mean)[0])
    assert not torch.allclose(found, model(batch.frames, batch.shown, batch.running)[0], atol=1e-3)


def test_maps_are_complete_and_those_of_the_neurons_asked_for(
    model: V1Transformer, snippets: Snippets
) -> None:
    maps = attribution_maps(model, snippets, ENDS, [2, 0], steps=64, rows_at_once=64)
    assert maps.space.shape == (2, 8, 16) and maps.time.shape == (2, 6)
    torch.testing.assert_close(maps.space.sum((1, 2)), maps.time.sum(1))
    assert maps.relative_gap < 0.05
    other = attribution_maps(model, snippets, ENDS, [0], steps=64, rows_at_once=640)
    torch.testing.assert_close(maps.space[1:], other.space, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(maps.space[0], maps.space[1])


class OnePlace(V1Transformer):
    """A model whose frames are told by the pixel in row 5, column 11, two frames ago."""

    def forward(self, frames: Tensor, shown: Tensor, running: Tensor | None = None) -> Tensor:
        pixel = frames[shown][:, 1, -1, 5, 11]  # second frame of the snippet
        return pixel[None, :, None] * torch.arange(1.0, 1 + self.readout.out_features)


def test_the_place_and_the_time_are_found(snippets: Snippets) -> None:
    maps = attribution_maps(OnePlace(NEURONS, SETTINGS), snippets, ENDS, [0, 3])
    frames = shown_frames(snippets, ENDS)
    size = frames[:, 3, 5, 11].abs().mean()  # S counts the two earlier frames as well
    assert maps.space.count_nonzero() == 2 and maps.time.count_nonzero() == 2
    torch.testing.assert_close(maps.space[:, 5, 11], size * torch.tensor([1.0, 4.0]))
    torch.testing.assert_close(maps.time[:, 3], size * torch.tensor([1.0, 4.0]))
    assert maps.relative_gap < 1e-4


def test_a_model_that_answers_at_each_frame_is_refused() -> None:
    per_frame = build(NEURONS, SETTINGS.replace(head="per_frame"), seed=0)
    with pytest.raises(DataError, match="answers at each frame"):
        AtRunning(per_frame)
    assert isinstance(AtRunning(build(NEURONS, SETTINGS, seed=0)), nn.Module)
