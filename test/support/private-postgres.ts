import { join } from 'node:path';
import pg from 'pg';
import { findPrograms, PrivateServer, versionsIn } from './private-server.js';

const ROOT = '/usr/lib/postgresql';

/** A PostgreSQL server of the tests' own for so many connections, or `undefined` where it is not installed. */
export function privatePostgres(connections = 20): Promise<PrivateServer | undefined> {
  return PrivateServer.of({
    name: 'a private PostgreSQL',
    user: 'postgres',
    programs: findPrograms(
      versionsIn(ROOT).map((version) => join(ROOT, version, 'bin')),
      ['initdb', 'postgres'],
    ),
    make: (program, folder) => [
      program,
      [
        '-D',
        join(folder, 'data'),
        '-U',
        'cache',
        '--auth=trust',
        '--no-sync',
        '--encoding=UTF8',
        '--locale=C',
      ],
    ],
    args: (folder, port) =>
      [
        ['-D', join(folder, 'data'), '-k', folder, '-p', `${port}`],
        [
          '-c',
          'listen_addresses=127.0.0.1',
          '-c',
          'shared_buffers=16MB',
          '-c',
          `max_connections=${connections}`,
        ],
      ].flat(),
    url: (port) => `postgres://cache@127.0.0.1:${port}/postgres`,
    ping: async (url) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.end();
    },
  });
}
