import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { findPrograms, PrivateServer } from './private-server.js';

/** A MariaDB server of the tests' own, or `undefined` where it is not installed. */
export function privateMariadb(): Promise<PrivateServer | undefined> {
  const make = findPrograms(['/usr/bin'], ['mariadb-install-db', 'mariadb-install-db']);
  const run = findPrograms(['/usr/sbin', '/usr/bin'], ['mariadbd', 'mariadbd']);
  return PrivateServer.of({
    name: 'a private MariaDB',
    user: 'mysql',
    programs: make === undefined || run === undefined ? undefined : [make[0], run[0]],
    make: (program, folder) => {
      // A server removes what it takes for temporary tables that another run of it has left: in the folder of all, those of the
      // servers that work there.
      const scratch = join(folder, 'tmp');
      mkdirSync(scratch);
      chmodSync(scratch, 0o777);
      writeFileSync(
        join(folder, 'my.cnf'),
        [
          '[mysqld]',
          `datadir=${join(folder, 'data')}`,
          `tmpdir=${scratch}`,
          'innodb_log_file_size=8M',
          'innodb_buffer_pool_size=16M',
          'bind-address=127.0.0.1',
          `socket=${join(folder, 'socket')}`,
          `pid-file=${join(folder, 'pid')}`,
          '',
        ].join('\n'),
        { mode: 0o644 },
      );
      return [
        program,
        [
          `--defaults-file=${join(folder, 'my.cnf')}`,
          '--auth-root-authentication-method=normal',
          '--skip-test-db',
        ],
      ];
    },
    args: (folder, port) => [`--defaults-file=${join(folder, 'my.cnf')}`, `--port=${port}`],
    url: (port) => `mysql://root@127.0.0.1:${port}/cache`,
    ping: async (url) => {
      const address = new URL(url);
      address.pathname = '/';
      const connection = await mysql.createConnection(address.href);
      await connection.query('CREATE DATABASE IF NOT EXISTS cache');
      await connection.end();
    },
  });
}
