import { systemClock } from '../core/clock.js';
import type { EngineContext } from '../core/context.js';
import { Claim } from '../core/sharing/claim.js';
import type { ListedStorage } from '../storage/listed-storage.js';
import { refusalOfTarget } from './in-the-way.js';
import type { ProgressStream } from './progress.js';
import { printable } from './printable.js';

/** A server may need a moment to notice that an application is gone. */
const WAIT_MS = 1000;

/**
 * Runs `task` while no application can use `target`, which is open. Rejects with `INSTANCE_RUNNING` where one does. Without a
 * target nobody is kept out, and there is no claim.
 */
export async function withClaim<T>(
  target: ListedStorage | undefined,
  stderr: ProgressStream,
  task: (claim: Claim | undefined) => Promise<T>,
): Promise<T> {
  if (target?.keepsOthersOut !== true) return task(undefined);
  const claim = await claimOf(target, stderr);
  try {
    return await task(claim);
  } finally {
    await claim.end();
  }
}

function claimOf(target: ListedStorage, stderr: ProgressStream): Promise<Claim> {
  const say = (line: string): unknown => stderr.write(`${printable(line)}\n`);
  // It refuses to go on by itself, or says so once it has lost the target.
  const logger = { log: () => undefined, warn: () => undefined, error: say, fatal: say };
  const context: EngineContext = { clock: systemClock, logger, random: Math.random };
  return Claim.take({
    storage: target,
    place: target.describe(),
    context,
    waitMs: WAIT_MS,
    refusal: refusalOfTarget,
    onLost: () => undefined,
    onOverwritten: () => undefined,
  });
}
