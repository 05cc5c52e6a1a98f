"""Growth: exponents and lines find what was put in, the look ahead is that line, and the benchmark runs."""

import itertools

import numpy as np
import pytest

import growth
import growth_fit
from growth_curves import AHEAD, CURVES, MEMBERS, NEURONS, STEPS

pytestmark = pytest.mark.slow

SIZES = (500, 1000, 2000, 4000, 8000)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_is_found_whatever_its_factor(power: float) -> None:
    values = 0.37 * np.array(SIZES) ** power
    assert growth_fit.exponent(SIZES, values) == pytest.approx(power)
    assert growth_fit.exponent(SIZES, values[::-1]) == pytest.approx(-power)


def test_noise_moves_the_exponent_a_little_and_another_order_much() -> None:
    random = np.random.default_rng(0)
    values = np.array(SIZES) ** 1.5 * np.exp(0.05 * random.standard_normal(len(SIZES)))
    assert growth_fit.exponent(SIZES, values) == pytest.approx(1.5, abs=0.1)
    mixed = values[[3, 0, 4, 2, 1]]
    assert abs(growth_fit.exponent(SIZES, mixed) - 1.5) > 0.5


def test_a_fixed_part_lowers_the_exponent_and_less_so_in_the_upper_half() -> None:
    values = 1000 + np.array(SIZES)
    all_sizes = growth_fit.exponent(SIZES, values)
    above = growth_fit.exponent(growth_fit.upper(SIZES), growth_fit.upper(values))
    assert all_sizes < above < 1
    assert growth_fit.upper(SIZES) == (2000, 4000, 8000)
    assert growth_fit.upper((1, 2, 3, 4)) == (2, 3, 4)


def test_the_line_finds_both_parts_and_draws_on_where_the_power_falls_short() -> None:
    values = 600 + 0.09 * np.array(SIZES)
    assert growth_fit.line(SIZES, values) == pytest.approx((600, 0.09))
    assert growth_fit.largest_foretold(SIZES, values) == pytest.approx(1)
    power = growth_fit.exponent(SIZES, values)
    by_power = values[-1] * (100_000 / SIZES[-1]) ** power
    assert by_power < 0.5 * (600 + 0.09 * 100_000)


def test_what_is_no_line_shows_at_its_largest_size() -> None:
    values = np.array(SIZES, dtype=float) ** 2
    assert growth_fit.largest_foretold(SIZES, values) < 0.6


def test_neither_part_is_below_zero_and_small_rises_count_as_none() -> None:
    assert growth_fit.line(SIZES, [9.0, 8.0, 7.0, 6.0, 5.0])[1] == 0
    assert growth_fit.line(SIZES, np.array(SIZES) - 400.0)[0] == 0
    flat = [168.0, 168.1, 168.3, 168.2, 168.6]
    assert growth_fit.line(SIZES, flat, least=1.0) == (168.2, 0)
    assert growth_fit.line(SIZES, flat, least=0.1)[1] > 0


def test_what_could_not_be_measured_stays_unknown() -> None:
    values = [float("nan")] * len(SIZES)
    assert np.isnan(growth_fit.exponent(SIZES, values))
    assert np.isnan(growth_fit.line(SIZES, values)).all()


def test_one_size_tells_no_growth() -> None:
    with pytest.raises(ValueError, match="1 size cannot tell a growth; measure two"):
        growth_fit.exponent((500,), [1.0])


def test_sizes_double_at_least() -> None:
    for curve in CURVES:
        for sizes in (curve.sizes, curve.quick[0]):
            assert len(sizes) > 1
            assert all(b / a in (2, 4) for a, b in itertools.pairwise(sizes)), curve.what
    assert set(AHEAD) <= {(curve.what, curve.axis) for curve in CURVES}


def test_a_quick_run_measures_every_curve_and_looks_ahead_along_its_line() -> None:
    rows = growth.main(["--quick"])
    curves = [row for row in rows if "sizes" in row]
    assert [row["what"] for row in curves] == [curve.what for curve in CURVES]
    for row in curves:
        assert len(row["ms"]) == len(row["mb"]) == len(row["sizes"])
        assert min(row["ms"]) > 0
        assert all(np.isnan(value) or value >= 0 for value in row["mb"])
    found = {(row["what"], row["axis"]): row for row in curves}
    ahead = [row for row in rows if row.get("extrapolated")]
    assert len(ahead) == 1 + sum(map(len, AHEAD.values()))
    for row in ahead[:-1]:
        own = found[row["what"], row["axis"]]
        assert row["ms"] == pytest.approx(own["ms_fixed"] + own["ms_of_each"] * row["size"], rel=1e-3)
        assert row["size"] > max(own["sizes"])
    step = found["SENSORIUM CNN, training step", "neurons"]
    one = step["ms_fixed"] + step["ms_of_each"] * NEURONS
    assert ahead[-1]["ms"] == pytest.approx(one * STEPS * MEMBERS, rel=1e-3)
    pixels = found["SENSORIUM CNN, training step", "pixels"]
    if not np.isnan(pixels["mb"][0]):
        assert pixels["mb"][1] > pixels["mb"][0]
