import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { CacheModule, CacheService } from '../../../dist/src/index.js';

/** A folder that is gone with the process. */
const scratch = mkdtempSync(join(tmpdir(), 'bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

let files = 0;

export function newDatabase() {
  return join(scratch, `${(files += 1)}.sqlite`);
}

/** A Nest application with these namespaces on a new SQLite file; answers them in use. */
export async function openCaches(namespaces, options = {}) {
  class BenchModule {}
  const app = await NestFactory.createApplicationContext(
    {
      module: BenchModule,
      imports: [
        CacheModule.forRoot({
          storage: { type: 'sqlite', database: newDatabase() },
          checkpointIntervalMs: false,
          maxDirty: 2_000_000,
          ...options,
          namespaces,
        }),
      ],
    },
    { logger: false },
  );
  const service = app.get(CacheService);
  return {
    app,
    service,
    caches: namespaces.map((namespace) => service.namespace(namespace)),
    close: () => app.close(),
  };
}
