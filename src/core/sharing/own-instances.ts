import type { Writer } from '../storage-adapter.js';

/** Of whichever copy of this package: an application may have loaded two. */
const REGISTRY = Symbol.for('nestjs-durable-cache:instances');

type Global = typeof globalThis & { [REGISTRY]?: Set<Writer> };

/** The instances of this process that are not being stopped. */
export function ownInstances(): Set<Writer> {
  return ((globalThis as Global)[REGISTRY] ??= new Set());
}
