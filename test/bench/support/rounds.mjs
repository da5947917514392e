/** How long one case runs in one round, ms: short, so that a busy machine disturbs neighbours alike. */
const SLICE_MS = 25;

/**
 * Runs cases against each other: in every round each has a slice of time, in turns. A case is `{ name, run(times) }`,
 * where `run` does its work so many times. The first case is what the others are compared with.
 *
 * Answers for each `{ name, perSecond, ratio, spread }`: medians over the rounds; the ratio to the first case is taken
 * round by round, and `spread` is half of its interquartile range.
 */
export async function compare(cases, { rounds = 41, sliceMs = SLICE_MS } = {}) {
  const times = [];
  for (const one of cases) {
    // Twice: what is done once and for all, the first time, would make the slices too short.
    await calibrate(one, sliceMs);
    times.push(await calibrate(one, sliceMs));
  }
  const speeds = cases.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, one] of cases.entries()) {
      const startedAt = performance.now();
      await one.run(times[i]);
      speeds[i].push((times[i] * 1000) / (performance.now() - startedAt));
    }
  }
  return cases.map((one, i) => {
    const ratios = speeds[i].map((speed, round) => speed / speeds[0][round]);
    const [low, ratio, high] = quartiles(ratios);
    return { name: one.name, perSecond: quartiles(speeds[i])[1], ratio, spread: (high - low) / 2 };
  });
}

/** How often a case can be run in a slice. */
async function calibrate(one, sliceMs) {
  let times = 1;
  for (;;) {
    const startedAt = performance.now();
    await one.run(times);
    const took = performance.now() - startedAt;
    if (took > sliceMs * 2) return Math.max(1, Math.round((times * sliceMs) / took));
    times *= took < 1 ? 10 : 2;
  }
}

/** The lower quartile, the median and the upper quartile. */
export function quartiles(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((share) => sorted[Math.round((sorted.length - 1) * share)]);
}
