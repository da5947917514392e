import type { ServerSessions } from '../sql/server-sessions.js';

/** Sessions of a server that the cache knows only through TypeORM: they can't be ended from outside. */
export const plainSessions: ServerSessions = {
  begin: async () => ({ id: 0, mark: '' }),
  end: async () => true,
  abandon: (runner) => runner.release(),
  socketOf: () => undefined,
};
