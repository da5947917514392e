/** How long one case runs in one round, ms: short, so that a busy machine disturbs neighbours alike. */
const SLICE_MS = 25;

/**
 * Runs cases against each other: in every round each has a slice of time, in turns. A case is `{ name, run(times) }`,
 * where `run` does its work so many times. The first case is what the others are compared with.
 *
 * Answers for each `{ name, perSecond, ratio, spread }`: medians over the rounds; the ratio to the first case is taken
 * round by round, and `spread` is half of its interquartile range. `now` is the clock: `processorTime` where little differences
 * count, which neighbours disturb less.
 */
export async function compare(
  cases,
  { rounds = 41, sliceMs = SLICE_MS, now = () => performance.now() } = {},
) {
  const times = [];
  for (const one of cases) {
    // Twice: what is done once and for all, the first time, would make the slices too short.
    await calibrate(one, sliceMs, now);
    times.push(await calibrate(one, sliceMs, now));
  }
  const speeds = cases.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, one] of cases.entries()) {
      const startedAt = now();
      await one.run(times[i]);
      speeds[i].push((times[i] * 1000) / (now() - startedAt));
    }
  }
  return cases.map((one, i) => {
    const ratios = speeds[i].map((speed, round) => speed / speeds[0][round]);
    const [low, ratio, high] = quartiles(ratios);
    return { name: one.name, perSecond: quartiles(speeds[i])[1], ratio, spread: (high - low) / 2 };
  });
}

/** How often a case can be run in a slice. */
async function calibrate(one, sliceMs, now) {
  let times = 1;
  for (;;) {
    const startedAt = now();
    await one.run(times);
    const took = now() - startedAt;
    if (took > sliceMs * 2) return Math.max(1, Math.round((times * sliceMs) / took));
    times *= took < 1 ? 10 : 2;
  }
}

/** How long this process has kept a processor busy, threads of drivers included, ms. */
export function processorTime() {
  return process.cpuUsage().user / 1000;
}

/** The lower quartile, the median and the upper quartile. */
export function quartiles(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((share) => sorted[Math.round((sorted.length - 1) * share)]);
}
