import { createHash } from 'node:crypto';
import { hasCookie } from './session-cookie.js';

/**
 * What the name of a property begins with, whose value is `undefined`, that a session of this id has if it was read here. The session
 * objects of both frameworks copy it, as spread syntax does, and JSON leaves it out. Ids are secrets, so it has a hash of the id.
 */
function prefixOf(sid: string): string {
  return `nestjs-durable-cache:read:${hashOf(`session ${sid}`)}:`;
}

/** The whole name: it ends with what was read, but for the cookie, which changes with the time. */
function markOf(sid: string, session: unknown): string {
  const content = JSON.parse(JSON.stringify(session)) as Record<string, unknown>;
  delete content['cookie'];
  return prefixOf(sid) + hashOf(`session ${sid} ${JSON.stringify(content)}`);
}

/** Marks what was read under an id. */
export function markRead(sid: string, session: object): void {
  (session as Record<string, undefined>)[markOf(sid, session)] = undefined;
}

/** Whether a session is one, or a copy of one, that was read under this id. */
export function isRead(sid: string, session: unknown): boolean {
  return markIn(sid, session) !== undefined;
}

/** Whether it is one that was read under this id and not changed since, but for its cookie. */
export function isAsRead(sid: string, session: unknown): boolean {
  const mark = hasCookie(session) ? markIn(sid, session) : undefined;
  return mark !== undefined && mark === markOf(sid, session);
}

/** Takes the mark out of the session's keys; it stays. */
export function hideMark(sid: string, session: object): void {
  const mark = markIn(sid, session);
  if (mark !== undefined) Object.defineProperty(session, mark, { enumerable: false });
}

function markIn(sid: string, session: unknown): string | undefined {
  if (typeof session !== 'object' || session === null) return undefined;
  const prefix = prefixOf(sid);
  return Object.getOwnPropertyNames(session).find((name) => name.startsWith(prefix));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
