/** What the process held at one time. */
export interface Sample {
  readonly heapMb: number;
  readonly externalMb: number;
  readonly resources: number;
  readonly timers: number;
  readonly listeners: number;
  readonly openSockets: number;
  readonly sockets: number;
  readonly clients: number;
  /** Connections begun since the start. */
  readonly connects: number;
}

type Gauge = Exclude<keyof Sample, 'connects'>;

/** A gauge over the three thirds of a run, of which the first is the warm-up. */
export interface Course {
  readonly gauge: Gauge;
  readonly warmUp: number;
  readonly middle: number;
  readonly last: number;
  /** By how much the last third may be above the middle one. */
  readonly tolerance: number;
  readonly levelsOff: boolean;
}

/** What comes and goes: a few connections and timers more or less, and a heap that the compiler still adds to. */
const TOLERANCES: Readonly<Record<Gauge, number>> = {
  heapMb: 1,
  externalMb: 1,
  resources: 2,
  timers: 4,
  listeners: 0,
  openSockets: 2,
  sockets: 2,
  clients: 2,
};

/** Whether each gauge levels off: its median over the last third is not above that of the middle third. */
export function coursesOf(samples: readonly Sample[]): Course[] {
  const third = Math.floor(samples.length / 3);
  return (Object.keys(TOLERANCES) as Gauge[]).map((gauge) => {
    const medianOf = (part: number): number =>
      median(samples.slice(part * third, (part + 1) * third).map((sample) => sample[gauge]));
    const [warmUp, middle, last] = [medianOf(0), medianOf(1), medianOf(2)];
    const tolerance = TOLERANCES[gauge];
    return { gauge, warmUp, middle, last, tolerance, levelsOff: last - middle <= tolerance };
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
