import { tracingChannel } from 'node:diagnostics_channel';
import type { Histogram, MeterProvider } from '@opentelemetry/api';
import { guarded } from './guarded.js';
import { NAMESPACE, SCOPE } from './names.js';
import { OPERATIONS, type Operation, type OperationTrace } from './operations.js';

/** Those of the semantic conventions for calls of databases, in seconds. */
const BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** Measures how long the operations of all caches of the process take, until the result is called. */
export function measureDurations(provider: MeterProvider): () => void {
  const meter = provider.getMeter(SCOPE);
  const stops = OPERATIONS.map((operation) => {
    const { duration, description } = operation;
    const advice = { explicitBucketBoundaries: BOUNDARIES };
    return measure(operation, meter.createHistogram(duration, { unit: 's', description, advice }));
  });
  return () => {
    for (const stop of stops) stop();
  };
}

function measure(operation: Operation, histogram: Histogram): () => void {
  // The cache's own durations are whole milliseconds.
  const startedAt = new WeakMap<object, number>();
  const started = (message: unknown): void => {
    startedAt.set(message as object, performance.now());
  };
  const ended = (message: unknown): void => {
    const trace = message as OperationTrace;
    const since = startedAt.get(trace);
    if (since === undefined) return;
    const seconds = (performance.now() - since) / 1000;
    guarded(() => {
      for (const name of operation.measuredIn(trace)) histogram.record(seconds, { [NAMESPACE]: name });
    });
  };
  const { start, asyncEnd } = tracingChannel(operation.channel);
  start.subscribe(started);
  asyncEnd.subscribe(ended);
  return () => {
    start.unsubscribe(started);
    asyncEnd.unsubscribe(ended);
  };
}
