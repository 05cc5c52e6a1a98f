"""A model at one brain state: what is not the image is held where it is told.

Letters: B images, H x W image, N neurons.
"""

from jaxtyping import Float
from torch import Tensor, nn

from neurokit.device import first_tensor
from neurokit.models.sensorium import MouseModel


class AtState(nn.Module):
    """A mouse's model as a function of the image alone.

    `behaviour` and `pupil_center` (scaled, as the model reads them) are the same for every image; past
    responses contribute nothing. The model is shared, not copied. A state that the model lacks or does
    not read raises its DataError with the first image.
    """

    def __init__(
        self,
        model: MouseModel,
        behaviour: Float[Tensor, "3"] | None = None,
        pupil_center: Float[Tensor, "2"] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.training = model.training
        for name, value in (("behaviour", behaviour), ("pupil_center", pupil_center)):
            held = None if value is None else value.detach().to(first_tensor(model))
            self.register_buffer(name, held, persistent=False)

    def forward(self, images: Float[Tensor, "B H W"]) -> Float[Tensor, "B N"]:
        """Rates on the competition's scale."""
        held = (self.behaviour, self.pupil_center)
        behaviour, pupil_center = (None if v is None else v.expand(len(images), -1) for v in held)
        return self.model(images, behaviour, pupil_center)
