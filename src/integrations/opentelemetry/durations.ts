import type { Histogram, MeterProvider } from '@opentelemetry/api';
import { followOperations, type AtEnd } from './follow-operations.js';
import { NAMESPACE, SCOPE } from './names.js';
import { OPERATIONS, type Operation } from './operations.js';

/** Those of the semantic conventions for calls of databases, in seconds. */
const BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** Measures how long the operations of all caches of the process take that begin until the result is called. */
export function measureDurations(provider: MeterProvider): () => void {
  const meter = provider.getMeter(SCOPE);
  const stops = OPERATIONS.map((operation) => {
    const { channel, duration, description } = operation;
    const advice = { explicitBucketBoundaries: BOUNDARIES };
    const histogram = meter.createHistogram(duration, { unit: 's', description, advice });
    return followOperations(channel, () => measure(operation, histogram));
  });
  return () => {
    for (const stop of stops) stop();
  };
}

function measure(operation: Operation, histogram: Histogram): AtEnd {
  // The cache's own durations are whole milliseconds.
  const startedAt = performance.now();
  return (trace) => {
    const seconds = (performance.now() - startedAt) / 1000;
    for (const name of operation.measuredIn(trace)) histogram.record(seconds, { [NAMESPACE]: name });
  };
}
