import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How long the event loop was held up while `task` ran: the 99th percentile and the most, ms. */
export async function delayDuring(task) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  // It measures from one timer to the next: there is to be one before the task, and one after it.
  await aMoment();
  histogram.reset();
  const startedAt = performance.now();
  await task();
  const ms = performance.now() - startedAt;
  await aMoment();
  histogram.disable();
  // The resolution is a part of what it measures.
  const of = (ns) => Math.max(0, Math.round(ns / 1e6 - 1));
  return { ms, p99: of(histogram.percentile(99)), max: of(histogram.max) };
}

function aMoment() {
  return new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
}
