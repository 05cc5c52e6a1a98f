"""Attribution of a clip's frames: the same model, known places and times, and completeness."""

import pytest
import torch
from torch import Tensor, nn

from neurokit.attribution import integrated_gradients, neuron_rate
from neurokit.errors import DataError, FitError
from neurokit.v1_transformer.attribution import FixedRunning, attribution_maps, shown_frames
from neurokit.v1_transformer.clips import Clips
from neurokit.v1_transformer.config import TransformerSettings
from neurokit.v1_transformer.features import split_movie
from neurokit.v1_transformer.model import V1Transformer, build
from tests.v1_transformer.toys import FRAMES, NEURONS, toy_clips

SETTINGS = TransformerSettings(
    frame=(8, 16), clip_length=4, before=2, patch=4, step=4, width=8, heads=2, spatial_layers=1,
    temporal_layers=1, dropout=0.0, patch_dropout=0.0,
)  # fmt: skip
ENDS = torch.tensor([30, 41, 55])


@pytest.fixture
def clips() -> Clips:
    split = split_movie(FRAMES, clip=11, lag=2)
    return toy_clips(split, length=4, before=2, stride=2)


@pytest.fixture
def model() -> V1Transformer:
    return build(NEURONS, SETTINGS, seed=0).eval()


def test_it_is_the_model_at_mean_speed(model: V1Transformer, clips: Clips) -> None:
    batch = clips.batch(torch.tensor([1]), ENDS)
    mean = torch.tensor([0.0, 1.0]).expand_as(batch.running)
    torch.nn.init.normal_(model.modulation.of_running[-1].weight)  # so that the speed counts
    found = FixedRunning(model, 2)(shown_frames(clips, ENDS))
    torch.testing.assert_close(found, model(batch.frames, batch.shown, mean)[0])
    assert not torch.allclose(found, model(batch.frames, batch.shown, batch.running)[0], atol=1e-3)


def test_maps_are_complete_and_those_of_the_neurons_asked_for(model: V1Transformer, clips: Clips) -> None:
    maps = attribution_maps(model, clips, ENDS, [2, 0], steps=64, rows_at_once=64)
    assert maps.space.shape == (2, 8, 16) and maps.time.shape == (2, 6)
    torch.testing.assert_close(maps.space.sum((1, 2)), maps.time.sum(1))
    assert maps.relative_gap < 0.05
    other = attribution_maps(model, clips, ENDS, [0], steps=64, rows_at_once=640)
    torch.testing.assert_close(maps.space[1:], other.space, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(maps.space[0], maps.space[1])


class OnePlace(V1Transformer):
    """A model whose frames act by the pixel in row 5, column 11, two frames ago."""

    def forward(self, frames: Tensor, shown: Tensor, running: Tensor | None = None) -> Tensor:
        pixel = frames[shown][:, 1, -1, 5, 11]  # second frame of the clip
        return pixel[None, :, None] * torch.arange(1.0, 1 + self.readout.out_features)


def test_the_place_and_the_time_are_found(clips: Clips) -> None:
    maps = attribution_maps(OnePlace(NEURONS, SETTINGS), clips, ENDS, [0, 3])
    frames = shown_frames(clips, ENDS)
    size = frames[:, 3, 5, 11].abs().mean()  # S counts the two earlier frames as well
    assert maps.space.count_nonzero() == 2 and maps.time.count_nonzero() == 2
    torch.testing.assert_close(maps.space[:, 5, 11], size * torch.tensor([1.0, 4.0]))
    torch.testing.assert_close(maps.time[:, 3], size * torch.tensor([1.0, 4.0]))
    assert maps.relative_gap < 1e-4


def test_too_few_steps_are_refused(model: V1Transformer, clips: Clips) -> None:
    loose = attribution_maps(model, clips, ENDS, [2, 0], steps=1, tolerance=1e9)
    assert loose.relative_gap > 0.05
    with pytest.raises(FitError, match="steps above 1"):
        attribution_maps(model, clips, ENDS, [2, 0], steps=1)
    with pytest.raises(FitError, match=rf"allowed: {loose.relative_gap / 2:g}\)"):
        attribution_maps(model, clips, ENDS, [2, 0], steps=1, tolerance=loose.relative_gap / 2)


def test_one_gap_of_all_clips_is_looked_at_and_not_that_of_each_chunk(
    model: V1Transformer, clips: Clips
) -> None:
    """One neuron, 2 steps: the gap by hand from an attribution of each clip alone."""
    grey = torch.zeros_like(shown_frames(clips, ENDS)[0])
    each = [
        integrated_gradients(
            FixedRunning(model, 2),
            shown_frames(clips, end[None]),
            grey,
            neuron_rate([1]),
            steps=2,
            tolerance=1e9,
        )
        for end in ENDS
    ]
    gap, change = (torch.cat([getattr(one, name) for one in each]) for name in ("gap", "change"))
    expected = float((gap.square().sum() / change.square().sum()).sqrt())
    found = attribution_maps(model, clips, ENDS, [1], steps=2, rows_at_once=2, tolerance=1e9)
    assert found.relative_gap == pytest.approx(expected, rel=1e-5)


class Silent(V1Transformer):
    """A model that answers nothing, whatever is shown."""

    def forward(self, frames: Tensor, shown: Tensor, running: Tensor | None = None) -> Tensor:
        return 0 * frames[shown][..., 0, 0].sum((1, 2))[None, :, None] * torch.ones(self.readout.out_features)


def test_a_model_that_never_changes_has_no_gap(clips: Clips) -> None:
    maps = attribution_maps(Silent(NEURONS, SETTINGS), clips, ENDS, [0, 3])
    assert maps.relative_gap == 0 and not maps.space.any() and not maps.time.any()


@pytest.mark.parametrize(("end", "least"), [(2, 10), (9, 10), (-1, 10), (FRAMES, 10)])
def test_end_frames_without_a_clip_are_refused(
    model: V1Transformer, clips: Clips, end: int, least: int
) -> None:
    """Four frames and two before, two apart: the first lies 10 before the last."""
    ends = torch.tensor([30, end])
    for ask in (
        lambda: shown_frames(clips, ends),
        lambda: clips.batch(torch.tensor([0]), ends),
        lambda: attribution_maps(model, clips, ends, [0]),
    ):
        with pytest.raises(DataError, match=rf"frame {end}:.* from {least} to {FRAMES - 1}"):
            ask()
    assert len(shown_frames(clips, torch.tensor([least, FRAMES - 1]))) == 2


class Own(nn.Module):
    """A model of one's own, without settings: the mean of each clip's newest frame, whatever the cell."""

    def forward(self, frames: Tensor, shown: Tensor, running: Tensor | None = None) -> Tensor:
        newest = frames[shown[:, -1], -1].mean(dim=(1, 2))
        return newest[None, :, None].expand(1, -1, NEURONS)


def test_a_model_of_ones_own_is_explained(clips: Clips) -> None:
    maps = attribution_maps(Own(), clips, ENDS, [0])
    assert maps.time[0, :-1].abs().max() == 0 and maps.time[0, -1] > 0
    expected = shown_frames(clips, ENDS)[:, -1].abs().mean()
    torch.testing.assert_close(maps.time[0, -1], expected)


def test_a_model_that_answers_at_each_frame_is_refused(clips: Clips) -> None:
    per_frame = build(NEURONS, SETTINGS.replace(head="per_frame"), seed=0)
    with pytest.raises(DataError, match=r"V1Transformer answers at each frame; .* once a clip"):
        attribution_maps(per_frame, clips, ENDS, [0])
