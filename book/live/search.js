// The picture that excites one cell of the network most, among Gabors: first a grid, then steps that halve.
// Size, contrast and behaviour stay as they are: a larger picture of the same contrast would always do as well.
// The planted cell is not asked.

const GRID = {
  column: [8, 14, 20, 26, 32, 38, 44, 50, 56],
  row: [6, 12, 18, 24, 30],
  orientation: [0, 30, 60, 90, 120, 150],
  frequency: [0.09, 0.15],
  phase: [0, 90, 180, 270],
};
const STEPS = { column: 3, row: 3, orientation: 15, frequency: 0.02, phase: 45 };
const BOUNDS = { column: [0, 63], row: [0, 35], frequency: [0.03, 0.25] };
const TURNS = { orientation: 180, phase: 360 };
const HALVINGS = 4;
const BATCH = 48;

/** All combinations of the grid, the rest as in `values`. */
export function gridOf(values) {
  let rows = [values];
  for (const [name, choices] of Object.entries(GRID)) {
    rows = rows.flatMap((row) => choices.map((choice) => ({ ...row, [name]: choice })));
  }
  return rows;
}

/** The neighbours of a picture: each number a step up and a step down. */
export function neighboursOf(values, scale) {
  return Object.entries(STEPS).flatMap(([name, step]) =>
    [step, -step].map((by) => ({ ...values, [name]: keep(name, values[name] + by * scale) })),
  );
}

function keep(name, value) {
  if (name in TURNS) return ((value % TURNS[name]) + TURNS[name]) % TURNS[name];
  const [low, high] = BOUNDS[name];
  return Math.min(high, Math.max(low, value));
}

/**
 * Yields { stage, tried, values, rate } whenever there is something new to show, the last being the best found.
 *
 * `ask(rows)` promises the cell's rate for each picture.
 */
export async function* search(values, ask) {
  let best = { values, rate: -Infinity };
  let tried = 0;
  const rows = gridOf(values);
  for (let first = 0; first < rows.length; first += BATCH) {
    const batch = rows.slice(first, first + BATCH);
    best = better(best, batch, await ask(batch));
    tried += batch.length;
    yield { stage: `grid, ${tried} of ${rows.length} pictures`, tried, ...best };
  }
  for (let halvings = 0, scale = 1; halvings <= HALVINGS; ) {
    const batch = neighboursOf(best.values, scale);
    const before = best.rate;
    best = better(best, batch, await ask(batch));
    tried += batch.length;
    yield { stage: `steps, ${tried} pictures`, tried, ...best };
    if (best.rate <= before + 1e-6) {
      halvings += 1;
      scale /= 2;
    }
  }
}

function better(best, rows, rates) {
  return rows.reduce((found, values, place) => (rates[place] > found.rate ? { values, rate: rates[place] } : found), best);
}
