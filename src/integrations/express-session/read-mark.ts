import { createHash } from 'node:crypto';

/**
 * The name of the property, whose value is `undefined`, that a session of this id has if it was read here. The session objects of
 * both frameworks copy it, as spread syntax does, and JSON leaves it out. Ids are secrets, so it has a hash of the id.
 */
function markOf(sid: string): string {
  const hash = createHash('sha256').update(`session ${sid}`).digest('base64url');
  return `nestjs-durable-cache:read:${hash}`;
}

/** Marks what was read under an id. */
export function markRead(sid: string, session: object): void {
  (session as Record<string, undefined>)[markOf(sid)] = undefined;
}

/** Whether a session is one, or a copy of one, that was read under this id. */
export function isRead(sid: string, session: unknown): boolean {
  return typeof session === 'object' && session !== null && markOf(sid) in session;
}

/** Takes the mark out of the session's keys; it stays. */
export function hideMark(sid: string, session: object): void {
  if (isRead(sid, session)) Object.defineProperty(session, markOf(sid), { enumerable: false });
}
