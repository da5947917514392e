import { within, type Clock } from '../clock.js';
import type { Writer } from '../storage-adapter.js';
import type { ClaimingStorage } from './shared-storage.js';

/** What an end gives to saying goodbye, ms. */
const LEAVE_MS = 500;

/** Lets go of what an instance holds in a storage. Where it can't say so in time, others take it for dead after a while. Never rejects. */
export async function sayGoodbye(
  storage: Pick<ClaimingStorage, 'leave'>,
  writer: Writer,
  clock: Clock,
): Promise<void> {
  await within(
    clock,
    LEAVE_MS,
    storage.leave(writer).catch(() => undefined),
  );
}
