import type { CacheEngine } from '../core/engine/cache-engine.js';

const engines = new Set<CacheEngine>();
let failsProcess = false;

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
  const again = signal as NodeJS.Signals;
  process.once(again, () => {
    // Another application of the process is still to stop.
    if (process.listenerCount(again) > 0) failOnSignal(signal);
    else process.exit(1);
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
