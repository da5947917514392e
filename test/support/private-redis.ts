import { createClient } from '@redis/client';
import { findPrograms, PrivateServer } from './private-server.js';

/** A Redis of the tests' own that keeps nothing, or `undefined` where it is not installed. */
export function privateRedis(): Promise<PrivateServer | undefined> {
  return PrivateServer.of({
    name: 'a private Redis',
    programs: findPrograms(['/usr/bin', '/usr/local/bin'], ['redis-server', 'redis-server']),
    args: (folder, port) =>
      [
        ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder],
        ['--save', '', '--appendonly', 'no'],
      ].flat(),
    url: (port) => `redis://127.0.0.1:${port}`,
    ping: async (url) => {
      const client = createClient({ url, socket: { reconnectStrategy: false } });
      client.on('error', () => undefined);
      await client.connect();
      await client.close();
    },
  });
}
