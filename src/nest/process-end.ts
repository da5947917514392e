import { systemClock } from '../core/clock.js';
import type { CacheEngine } from '../core/engine/cache-engine.js';

const engines = new Set<CacheEngine>();
let failsProcess = false;
/** Those that end the process with code 1. */
const failingSignals = new Set<string>();
/** For how long applications that don't stop by themselves keep such a process, ms. */
const MOST_WAIT_MS = 10_000;

/**
 * Whatever ends the process without stopping the application (`process.exit()`, an uncaught exception, a shutdown that
 * fails or never ends) still saves what is unwritten. One listener serves every application of the process: many of one
 * kind look like a leak to Node.
 */
export function watchProcessEnd(engine: CacheEngine): void {
  if (engines.size === 0) {
    if (!failsProcess) process.on('exit', atExit);
    process.on('beforeExit', beforeExit);
  }
  engines.add(engine);
}

/** For an engine that was stopped or never served. */
export function unwatchProcessEnd(engine: CacheEngine): void {
  if (!engines.delete(engine) || engines.size > 0) return;
  if (!failsProcess) process.off('exit', atExit);
  process.off('beforeExit', beforeExit);
}

/** The process ends with code 1, whatever it calls `process.exit()` with: an application has lost data. */
export function failProcess(): void {
  process.exitCode = 1;
  if (engines.size === 0 && !failsProcess) process.on('exit', atExit);
  failsProcess = true;
}

/**
 * The same where a signal has stopped the application: Nest sends it again when its hooks are done, and by itself it would end the
 * process like one that lost nothing.
 */
export function failOnSignal(signal: string): void {
  if (failingSignals.has(signal)) return;
  failingSignals.add(signal);
  process.on(signal, () => {
    const exit = (): never => process.exit(1);
    // Other applications of the process may still be stopping; when the last one has, it sends the signal, too.
    if (engines.size === 0) exit();
    else systemClock.setTimer(MOST_WAIT_MS, exit, false);
  });
}

/** Nothing goes on in this process. */
function beforeExit(): void {
  for (const engine of engines) engine.beforeExit();
}

function atExit(): void {
  if (failsProcess) process.exitCode = 1;
  for (const engine of engines) {
    try {
      if (engine.rescueAtExit().length > 0) process.exitCode = 1;
    } catch (error) {
      // The others are still to be saved.
      process.exitCode = 1;
      engine.logger.fatal(`The cache could not save what is unwritten: ${String(error)}`);
    }
  }
}
