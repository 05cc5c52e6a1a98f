"""Linear regression on lagged running: what speed alone says of responses above their mean time course.

Letters: K trials, T samples, N cells, L lags, A, B, D trials of training, validation and test.
"""

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import Ridge

from gratings.splits import ConditionSplit
from neurokit.pupil_encoder.baselines import stack_lags

PENALTIES = tuple(10.0**power for power in range(-2, 5))


def lagged_running(
    running: Float[np.ndarray, "K T"] | None,
    residual: Float[np.ndarray, "K T N"],
    parts: ConditionSplit,
    lags: Int[np.ndarray, "L"],
) -> Float[np.ndarray, "D T N"]:
    """Predicted residuals of the test trials: ridge regression on the running `lags` samples before.

    A trial's edges are held. The penalty is the one that predicts the validation trials best, all cells
    together. Without running the prediction is the training trials' mean.
    """
    train, wanted = residual[parts.train], residual[parts.validation]
    if running is None:
        return np.broadcast_to(train.mean(axis=(0, 1)), residual[parts.test].shape)
    design = stack_lags(running[..., None], lags)  # K T L
    fitted = [_ridge(design[parts.train], train, penalty) for penalty in PENALTIES]
    errors = [((_predicted(ridge, design[parts.validation]) - wanted) ** 2).mean() for ridge in fitted]
    return _predicted(fitted[int(np.argmin(errors))], design[parts.test])


def _ridge(design: Float[np.ndarray, "A T L"], wanted: Float[np.ndarray, "A T N"], penalty: float) -> Ridge:
    return Ridge(alpha=penalty).fit(
        design.reshape(-1, design.shape[-1]), wanted.reshape(-1, wanted.shape[-1])
    )


def _predicted(ridge: Ridge, design: Float[np.ndarray, "B T L"]) -> Float[np.ndarray, "B T N"]:
    return ridge.predict(design.reshape(-1, design.shape[-1])).reshape(*design.shape[:2], -1)
