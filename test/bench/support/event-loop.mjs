const EVERY_MS = 1;

/**
 * How long the event loop was held up while `task` ran: the 99th percentile and the most, ms. What `prepare` does is not
 * measured, and no turn of the event loop is between it and the task.
 */
export async function delayDuring(task, prepare = () => undefined) {
  const delays = [];
  let last = performance.now();
  // Not Node's own monitor: that loses what happens between a reset of it and its next tick, which may be all of it.
  const timer = setInterval(() => {
    const now = performance.now();
    delays.push(now - last - EVERY_MS);
    last = now;
  }, EVERY_MS);
  await aMoment();
  prepare();
  // The garbage of what came before would be collected in it, or not.
  globalThis.gc();
  delays.length = 0;
  last = performance.now();
  const startedAt = performance.now();
  await task();
  const ms = performance.now() - startedAt;
  // The last delay is seen by the tick after it.
  await aMoment();
  clearInterval(timer);
  delays.sort((a, b) => a - b);
  const of = (share) => Math.max(0, Math.round(delays[Math.floor((delays.length - 1) * share)]));
  return { ms, p99: of(0.99), max: of(1) };
}

function aMoment() {
  return new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
}
