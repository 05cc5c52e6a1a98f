// Pictures of 36 x 64 pixels: a grating under a Gaussian window, as in neurokit.simulation.scenes.gratings.

export const HEIGHT = 36;
export const WIDTH = 64;

/**
 * Fills `target` from `offset` on with one picture, row by row, in standard deviations of the training pictures.
 *
 * orientation: degrees, 0 is vertical stripes; frequency: cycles per pixel; phase: degrees, at the window's middle;
 * size: standard deviation of the window, pixels; column, row: its middle, pixels; contrast: percent of the largest
 * grating that is neither cut off at black nor at white, whose amplitude is `amplitude`.
 */
export function paint(values, amplitude, target, offset = 0) {
  const angle = (values.orientation * Math.PI) / 180;
  const [across, down] = [Math.cos(angle), -Math.sin(angle)];
  const turn = 2 * Math.PI * values.frequency;
  const phase = (values.phase * Math.PI) / 180;
  const height = (values.contrast / 100) * amplitude;
  for (let row = 0; row < HEIGHT; row += 1) {
    for (let column = 0; column < WIDTH; column += 1) {
      const [x, y] = [column - values.column, row - values.row];
      const window = Math.exp(-(x * x + y * y) / (2 * values.size * values.size));
      target[offset + row * WIDTH + column] = height * window * Math.cos(turn * (across * x + down * y) + phase);
    }
  }
}

/** Several pictures, one behind the other. */
export function paintAll(rows, amplitude) {
  const found = new Float32Array(rows.length * HEIGHT * WIDTH);
  rows.forEach((values, place) => paint(values, amplitude, found, place * HEIGHT * WIDTH));
  return found;
}
