import { Inject, Injectable, Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import {
  CacheModule,
  CacheService,
  getNamespaceToken,
  InMemoryStorage,
  type NamespaceCache,
} from '../../src/index.js';
import { errorWith, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { startApp } from '../support/nest-app.js';

const sessions = namespaceOf<number>(ON_CHANGE, { name: 'sessions' });

@Injectable()
class Visits {
  constructor(@Inject(getNamespaceToken(sessions)) readonly entries: NamespaceCache<string, number>) {}
}

@Module({ imports: [CacheModule.forFeature([sessions])], providers: [Visits] })
class VisitsModule {}

@Injectable()
class NeedsService {
  constructor(@Inject(CacheService) readonly cache: CacheService) {}
}

describe('forFeature without forRoot', () => {
  it('fails the start with an error that names the remedy', async () => {
    for (const imports of [[VisitsModule], [CacheModule.forFeature([sessions])]]) {
      const start = startApp(imports);
      await expect(start).rejects.toThrow(errorWith('MISSING_MODULE'));
      await expect(start).rejects.toThrow(/declares 'sessions'.*CacheModule\.forRoot\(\)/);
    }
  });

  it('says the same in a testing module, where it is forgotten most often', async () => {
    const compiled = Test.createTestingModule({ imports: [VisitsModule] }).compile();
    await expect(compiled).rejects.toThrow(errorWith('MISSING_MODULE'));
  });

  it('says the same of a module that is loaded lazily', async () => {
    const app = await startApp([]);
    const load = app.get(LazyModuleLoader).load(() => VisitsModule);
    await expect(load).rejects.toThrow(errorWith('MISSING_MODULE'));
    await app.close();
  });

  it('is not what is said where the cache is there and can not start', async () => {
    const failing = (): never => {
      throw new Error('no such secret');
    };
    const broken = Object.assign(new InMemoryStorage(), { open: () => Promise.reject(new Error('away')) });
    for (const [root, error] of [
      [CacheModule.forRootAsync({ useFactory: failing }), /no such secret/],
      [CacheModule.forRootAsync({ useFactory: () => ({ maxPending: 1 }) as never }), /maxPending/],
      [CacheModule.forRoot({ storage: broken }), /away/],
    ] as const) {
      await expect(startApp([root, VisitsModule])).rejects.toThrow(error);
      await expect(startApp([VisitsModule, root])).rejects.toThrow(error);
    }
  });

  // Nest 11 waits for ever.
  it.skipIf(process.env['NEST_LINE'] === '11')(
    'is told from options that wait for their own cache',
    async () => {
      const root = CacheModule.forRootAsync({
        imports: [CacheModule.forFeature([sessions])],
        inject: [getNamespaceToken(sessions)],
        useFactory: () => ({}),
      });
      await expect(startApp([root])).rejects.toThrow(/options of forRootAsync\(\) wait/);
    },
  );
});

describe('CacheModule imported bare', () => {
  it('fails the start with an error that names the remedy', async () => {
    await expect(startApp([CacheModule])).rejects.toThrow(errorWith('MISSING_MODULE'));
    await expect(startApp([CacheModule])).rejects.toThrow(
      /CacheModule\.forRoot\(\) or forRootAsync\(\) once/,
    );
  });

  it('says so to a module that asks it for the service, and beside a proper import too', async () => {
    @Module({ imports: [CacheModule], providers: [NeedsService] })
    class Needy {}
    await expect(startApp([Needy])).rejects.toThrow(errorWith('MISSING_MODULE'));
    const root = CacheModule.forRoot({ storage: new InMemoryStorage() });
    await expect(startApp([root, Needy])).rejects.toThrow(errorWith('MISSING_MODULE'));
  });
});
