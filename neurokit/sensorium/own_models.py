"""What a core or a model of one's own offers, to be trained, evaluated and saved as the published ones are.

`neurokit.sensorium.build(task, config, core=MyCore)` puts a core under the published readouts, shifters and
modulators; a complete model comes from a function of task and config that makes a `MiceModel`. An experiment
takes such a function as its `build`.

Letters: B images, C input channels, K constants of an image, F features, H x W image (36 x 64), h x w map,
N neurons, L lags, S state numbers.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurokit.errors import SettingsError
from neurokit.sensorium.cnn import IMAGE, MapGeometry
from neurokit.training.checkpoint import imported_class
from neurokit.training.predict import evaluating

OwnCore = nn.Module | Callable[[int], nn.Module]
"""A core, or what makes one of the number of its input channels: the image, and three of behaviour."""


@runtime_checkable
class Core(Protocol):
    """What a core offers: an `nn.Module` from images to a map of features, which readouts read.

    To be opened without the function that built it, it also has a property `configuration`: the arguments
    of its constructor, as JSON can hold them.

    Attributes:
        channels: of its map, F.
    """

    channels: int

    def __call__(
        self, images: Float[Tensor, "B C H W"], constants: Float[Tensor, "B K"] | None = None
    ) -> Float[Tensor, "B F h w"]:
        """The map; `constants` are the scaled behaviour where the model reads it, else None."""

    def geometry(self, shape: tuple[int, int] = IMAGE) -> MapGeometry:
        """Where the map of images of `shape` (rows, columns) lies on them."""

    def regulariser(self) -> Float[Tensor, ""]:
        """A penalty, weighed by `gamma_input`, counted once for each batch of each mouse."""


@runtime_checkable
class MiceModel(Protocol):
    """What a model offers to be trained, evaluated and saved: an `nn.Module` with a view for each mouse.

    `mouse(key)` is a module, called by name with what the config has the model read of B trials: `images`
    (B H W, standardised), `behaviour` (B 3) and `pupil_center` (B 2), both scaled, `history` (B N L), `state`
    (B S) and `rank` (B). It returns rates B N above zero, on the scale of the competition (responses over
    their standard deviation), neurons in the order of the scan.

    To be opened without the function that built it, the model also has a property `configuration`: the
    arguments of its constructor, as JSON can hold them.
    """

    def mouse(self, key: str) -> nn.Module:
        """The view of one mouse, whose parts are the model's own."""

    def regulariser(self, key: str) -> Float[Tensor, ""]:
        """All weighted penalties of one batch of a mouse; 0 where there are none."""


def own_core(core: OwnCore | dict[str, Any], inputs: int) -> Core:
    """The core as it is, or made for `inputs` channels, one of them the image.

    A dictionary has its `class` and `configuration`, as a checkpoint says them. Raises SettingsError where it
    lacks something or its map has another number of channels, CheckpointError where its class is unknown.
    """
    if isinstance(core, dict):
        made = imported_class("The model's core", core["class"])(**core["configuration"])
    else:
        made = core if isinstance(core, nn.Module) else core(inputs)
    _check(made, inputs - 1)
    return cast(Core, made)


def _check(made: nn.Module, constants: int) -> None:
    name, offered = type(made).__name__, ("channels", "geometry", "regulariser")
    if missing := [each for each in offered if not hasattr(made, each)]:
        raise SettingsError(f"{name} lacks {', '.join(missing)}; see neurokit.sensorium.own_models.Core.")
    with evaluating(made), torch.no_grad():
        found = made(torch.zeros(1, 1, *IMAGE), torch.zeros(1, constants) if constants else None)
    if found.dim() != 4 or found.shape[1] != made.channels:
        raise SettingsError(
            f"{name} gives {tuple(found.shape)} for one image; give images x channels ({made.channels}) x "
            "rows x columns."
        )


def check_model(model: nn.Module) -> None:
    """Raises SettingsError for a model that lacks what training calls."""
    if missing := [each for each in ("mouse", "regulariser") if not hasattr(model, each)]:
        raise SettingsError(
            f"{type(model).__name__} lacks {' and '.join(missing)}; see "
            "neurokit.sensorium.own_models.MiceModel for what a model offers."
        )


def check_answers(model: MiceModel, key: str, inputs: Mapping[str, Tensor], wanted: tuple[int, ...]) -> None:
    """Raises SettingsError where the model answers a batch of one mouse with another shape than its
    responses.

    A shape that only broadcasts would be trained on without a word.
    """
    view = model.mouse(key)
    with evaluating(view), torch.no_grad():
        answers = view(**inputs)
    found = tuple(answers.shape) if isinstance(answers, Tensor) else type(answers).__name__
    if found != wanted:
        raise SettingsError(
            f"{type(model).__name__} answers {wanted[0]} images of {key} with {found}; return images x "
            f"neurons, {wanted}."
        )
