import { expect, it } from 'vitest';

interface Sample {
  readonly at: number;
  readonly namespaces: object;
}

interface History {
  replace(samples: readonly Sample[]): void;
  add(sample: Sample): void;
  columns(figures: readonly (() => number)[]): [number[], ...number[][]];
}

/** A part of the page, which is JavaScript. */
const { History } = (await import(new URL('../../src/inspector/page/history.js', import.meta.url).href)) as {
  readonly History: new () => History;
};

const sampleAt = (at: number): Sample => ({ at, namespaces: {} });

function timesOf(history: History): number[] {
  return history.columns([])[0];
}

it('the charts go on from where the clock of the application was put back to', () => {
  const history = new History();
  for (const at of [100_000, 102_000, 104_000, 101_000, 103_000]) history.add(sampleAt(at));
  expect(timesOf(history)).toEqual([100, 101, 103]);
  history.replace([100_000, 102_000, 50_000, 52_000].map(sampleAt));
  expect(timesOf(history)).toEqual([50, 52]);
});

it('the charts show five minutes, and a sample that comes twice once', () => {
  const history = new History();
  for (const at of [100_000, 102_000, 102_000, 401_000]) history.add(sampleAt(at));
  expect(timesOf(history).map(Math.floor)).toEqual([102, 102, 401]);
});
