import keyvTestSuite, {
  keyvApiTests,
  keyvCompresstionTests,
  keyvIteratorTests,
  keyvNamespaceTest,
} from '@keyv/test-suite';
import { Keyv, type KeyvOptions } from 'keyv';
import * as runner from 'vitest';
import { beforeAll, describe } from 'vitest';
import { InMemoryStorage, type CacheModuleOptions } from '../../../src/index.js';
import type { KeyvNamespaceOptions } from '../../../src/integrations/keyv/index.js';
import { sqliteFiles } from '../../contract/sql-storage.js';
import { MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN } from '../../support/definitions.js';
import { mariadbServer, postgresServer } from '../../support/services.js';
import { gzipCompression } from './support/gzip.js';
import { KeyvApp } from './support/keyv-app.js';

type Storage = CacheModuleOptions['storage'];

const newFile = sqliteFiles();
const postgres = await postgresServer();
const mariadb = await mariadbServer();

class GzipKeyv<Value = unknown> extends Keyv<Value> {
  constructor(options: KeyvOptions) {
    super({ ...options, compression: gzipCompression });
  }
}

/** Runs tests of Keyv's own suite on the store, in one application. */
function onStore(
  storage: () => Promise<Storage> | Storage,
  tests: (newStore: () => never) => void,
  tuning?: Omit<KeyvNamespaceOptions, 'name'>,
): void {
  let app: KeyvApp;
  beforeAll(async () => {
    app = new KeyvApp({ storage: await storage() }, tuning);
    await app.start();
    return () => app.stop();
  });
  // Keyv's suite has types of its own for what its own stores are.
  tests(() => app.newStore() as never);
}

/** All that the suite has for stores. It does not call the tests of iterators itself. */
const everything = (newStore: () => never): void => {
  keyvTestSuite(runner, Keyv, newStore);
  keyvIteratorTests(runner, Keyv, newStore);
};

describe("Keyv's own suite passes on", () => {
  describe('memory', () => {
    onStore(() => new InMemoryStorage(), everything);
  });

  describe.each(['sqlite', 'better-sqlite3'] as const)('a file of %s', (type) => {
    onStore(() => ({ type, database: newFile() }), everything);
  });

  describe.skipIf(postgres === undefined)('PostgreSQL', () => {
    onStore(async () => ({ type: 'postgres', url: (await postgres?.newDatabase()) as string }), everything);
  });

  describe.skipIf(mariadb === undefined)('MariaDB', () => {
    onStore(async () => ({ type: 'mariadb', url: (await mariadb?.newDatabase()) as string }), everything);
  });
});

describe.each([MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN])(
  "Keyv's own suite passes at the level %s",
  (persistence) => {
    onStore(() => ({ type: 'better-sqlite3', database: newFile() }), everything, { persistence });
  },
);

describe.each([ON_CHANGE, ON_SHUTDOWN])(
  'where memory holds one entry it passes at the level %s',
  (persistence) => {
    onStore(() => ({ type: 'better-sqlite3', database: newFile() }), everything, {
      persistence,
      maxEntries: 1,
    });
  },
);

describe('compressed', () => {
  describe('values pass the suite, too', () => {
    onStore(
      () => ({ type: 'better-sqlite3', database: newFile() }),
      (newStore) => {
        keyvApiTests(runner, GzipKeyv, newStore);
        keyvNamespaceTest(runner, GzipKeyv, newStore);
        keyvIteratorTests(runner, GzipKeyv, newStore);
      },
    );
  });

  describe('as the suite asks of a compression', () => {
    keyvCompresstionTests(runner, gzipCompression);
  });
});
