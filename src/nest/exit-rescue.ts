import type { CacheEngine } from '../core/engine/cache-engine.js';

const engines = new Set<CacheEngine>();
let failsProcess = false;

/**
 * Whatever ends the process without stopping the application (`process.exit()`, an uncaught exception) still saves what
 * is unwritten. One listener serves every application of the process: many of one kind look like a leak to Node.
 */
export function rescueAtExit(engine: CacheEngine): void {
  if (engines.size === 0 && !failsProcess) process.on('exit', atExit);
  engines.add(engine);
}

/** For an engine that was stopped or never served. */
export function noRescueAtExit(engine: CacheEngine): void {
  if (engines.delete(engine) && engines.size === 0 && !failsProcess) process.off('exit', atExit);
}

/** The process ends with code 1, whatever it calls `process.exit()` with: an application has lost data. */
export function failProcess(): void {
  process.exitCode = 1;
  if (engines.size === 0 && !failsProcess) process.on('exit', atExit);
  failsProcess = true;
}

function atExit(): void {
  if (failsProcess) process.exitCode = 1;
  for (const engine of engines) {
    try {
      engine.rescueAtExit();
    } catch (error) {
      // The others are still to be saved.
      process.exitCode = 1;
      engine.logger.fatal(`The cache could not save what is unwritten: ${String(error)}`);
    }
  }
}
