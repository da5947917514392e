import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DataSourceOptions } from 'typeorm';
import { CacheModule } from '../../src/index.js';
import { namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
const postgres = await postgresServer();
const url = (await postgres?.newDatabase()) ?? '';

const storages: [string, DataSourceOptions, boolean][] = [
  ['sqlite3', { type: 'sqlite', database: join(folder, 'sqlite3.db') }, true],
  ['better-sqlite3', { type: 'better-sqlite3', database: join(folder, 'better-sqlite3.db') }, true],
  ['PostgreSQL', { type: 'postgres', url }, postgres !== undefined],
];

const LEVELS = [
  ['ON_CHANGE', ON_CHANGE],
  ['ON_SHUTDOWN', ON_SHUTDOWN],
] as const;

describe.each(storages)('a stop right after the start, on %s', (_name, storage, isThere) => {
  it.skipIf(!isThere).each(LEVELS)(
    'raises no alarm with twelve %s namespaces',
    async (level, persistence) => {
      const namespaces = Array.from({ length: 12 }, (_, i) =>
        namespaceOf(persistence, { name: `${level} ${i}` }),
      );
      for (let round = 0; round < 10; round += 1) {
        const log = new NestLog();
        const app = await startApp(
          [CacheModule.forRoot({ storage, namespaces, chatNamespaces: false, rescueJournal: false })],
          log,
        );
        // After so many turns of the event loop as rounds: in the middle of each purge once.
        for (let turn = 0; turn < round; turn += 1)
          await new Promise((resolve) => void setImmediate(resolve));
        await app.close();
        expect(log.lines.filter((line) => !line.startsWith('log'))).toEqual([]);
      }
    },
  );
});
