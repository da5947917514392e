import { Injectable, Module, VersioningType, type CanActivate } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { InMemoryStorage } from '../../src/index.js';
import {
  CacheInspectorModule,
  type CacheInspectorBehaviour,
  type CacheInspectorOptions,
  type CacheInspectorOptionsFactory,
} from '../../src/inspector/index.js';
import type { Overview } from '../../src/inspector/live/overview.js';
import { errorWith, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { NestLog } from '../support/nest-app.js';
import { inspectedApp, PLATFORMS } from './support/inspected-app.js';
import { InspectorClient } from './support/inspector-client.js';

class NoGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class Settings implements CacheInspectorOptionsFactory {
  createCacheInspectorOptions(): CacheInspectorBehaviour {
    return { actions: true };
  }
}

@Module({ providers: [Settings, { provide: 'actions', useValue: true }], exports: [Settings, 'actions'] })
class SettingsModule {}

describe('CacheInspectorModule', () => {
  it.each([
    ['no object', 'cache'],
    ['an unknown one', { acions: true }],
    ['an empty path', { path: '' }],
    ['a path of slashes', { path: '//' }],
    ['a path with a pattern', { path: 'cache/:id' }],
    ['a path with a wildcard', { path: '*' }],
    ['a path that leads up', { path: '../cache' }],
    ['a path that is no text', { path: /cache/ }],
    ['a guard that guards nothing', { guard: class Empty {} }],
    ['a guard that is a name', { guard: 'jwt' }],
    ['a guard of null', { guard: null }],
    ['actions that are no boolean', { actions: 'false' }],
    ['values that are no boolean', { values: 0 }],
    ['a describe that is no function', { describe: 'ip' }],
    ['imports that are no list', { imports: SettingsModule }],
  ])('refuses %s at the call', (_what, options) => {
    expect(() => CacheInspectorModule.forRoot(options as CacheInspectorOptions)).toThrow(
      errorWith('INVALID_OPTION'),
    );
  });

  it.each([
    ['nothing that gives options', {}],
    ['two that do', { useFactory: () => ({}), useClass: Settings }],
    ['what belongs into the factory', { useFactory: () => ({}), actions: true }],
    ['an unknown one', { useFactory: () => ({}), guards: [NoGuard] }],
    ['a bad path', { useFactory: () => ({}), path: 'a b' }],
  ])('refuses %s at the call of forRootAsync', (_what, options) => {
    expect(() => CacheInspectorModule.forRootAsync(options as never)).toThrow(errorWith('INVALID_OPTION'));
  });

  it.each([
    ['an unknown option', { nope: 1 }],
    ['a path, which comes too late', { path: 'cache' }],
    ['a guard, which comes too late', { guard: NoGuard }],
    ['a bad option', { values: 'no' }],
    ['nothing', undefined],
  ])('fails the start where a factory gives %s', async (_what, given) => {
    const inspector = CacheInspectorModule.forRootAsync({
      useFactory: () => given as CacheInspectorBehaviour,
    });
    await expect(inspectedApp({ inspector })).rejects.toThrow(errorWith('INVALID_OPTION'));
  });

  it('says what is missing where there is no cache', async () => {
    class Alone {}
    const root = { module: Alone, imports: [CacheInspectorModule.forRoot()] };
    await expect(NestFactory.create(root, { logger: new NestLog(), abortOnError: false })).rejects.toThrow(
      errorWith('MISSING_MODULE'),
    );
  });

  it.each([
    [
      'a factory',
      { useFactory: (actions: boolean) => ({ actions }), inject: ['actions'], imports: [SettingsModule] },
    ],
    ['a class', { useClass: Settings }],
    ['a provider that there is', { useExisting: Settings, imports: [SettingsModule] }],
  ])('takes its options from %s', async (_what, options) => {
    const { port } = await inspectedApp({
      inspector: CacheInspectorModule.forRootAsync({ path: 'a/b', ...options }),
    });
    expect(await new InspectorClient(port, '/a/b').read<Overview>('/api/overview')).toMatchObject({
      actions: true,
    });
  });

  it('guards what a factory has given the options of', async () => {
    const inspector = CacheInspectorModule.forRootAsync({ guard: NoGuard, useFactory: () => ({}) });
    const { client } = await inspectedApp({ inspector });
    expect((await client.get('/api/overview')).status).toBe(403);
  });
});

describe.each(PLATFORMS)('an inspector on %s', (platform) => {
  /** That the page, what it loads and what it asks for are all there under a path. */
  async function expectThere(port: number, base: string): Promise<void> {
    const client = new InspectorClient(port, base);
    const { status, body } = await client.get('');
    expect(status).toBe(200);
    expect(body).toContain(`<meta name="cache-base" content="${base}"`);
    const origin = `http://localhost:${port}`;
    for (const [, path = ''] of body.matchAll(/(?:src|href)="([^"]+)"/g)) {
      if (path.startsWith('data:')) continue;
      const file = await new InspectorClient(port, '').get(new URL(path, origin + base).pathname);
      expect([path, file.status]).toEqual([path, 200]);
    }
    expect(await client.read('/api/overview')).toMatchObject({ pid: process.pid });
  }

  it('is not there unless it is imported', async () => {
    class Nothing {}
    const { client } = await inspectedApp({ platform, inspector: { module: Nothing } });
    for (const path of ['', '/api/overview', '/assets/page.js'])
      expect((await client.get(path)).status).toBe(404);
  });

  it('is there at its path, whatever slashes are around that', async () => {
    const { port } = await inspectedApp({ platform, inspector: { path: '/admin/cache/' } });
    await expectThere(port, '/admin/cache');
  });

  it('is there behind a global prefix', async () => {
    const { port } = await inspectedApp({ platform, prepare: (app) => app.setGlobalPrefix('v1/api') });
    await expectThere(port, '/v1/api/cache');
  });

  it.each([
    ['URI', { type: VersioningType.URI, defaultVersion: '2' }],
    ['header', { type: VersioningType.HEADER, header: 'x-version', defaultVersion: '2' }],
    ['media type', { type: VersioningType.MEDIA_TYPE, key: 'v=' }],
  ] as const)('is there whatever the version, by %s', async (_what, versioning) => {
    const { port } = await inspectedApp({ platform, prepare: (app) => app.enableVersioning(versioning) });
    await expectThere(port, '/cache');
  });

  it('answers in its own way, whatever the application does with results and errors', async () => {
    const { client } = await inspectedApp({
      platform,
      prepare: (app) => {
        app.useGlobalInterceptors({ intercept: (_context, next) => next.handle() });
        app.useGlobalFilters({
          catch: () => {
            throw new Error('not asked');
          },
        });
      },
    });
    expect(JSON.parse((await client.get('/api/entries?namespace=none')).body)).toMatchObject({
      code: 'UNKNOWN_NAMESPACE',
    });
    expect(await client.read('/api/overview')).toMatchObject({ mode: 'one' });
  });

  it('shows the cache of its own application, of two in one process', async () => {
    const [one, other] = await Promise.all(
      ['one', 'other'].map((name) =>
        inspectedApp({
          platform,
          cache: { storage: new InMemoryStorage(), namespaces: [namespaceOf(ON_CHANGE, { name })] },
          inspector: { actions: name === 'one' },
        }),
      ),
    );
    const shown = async (client: InspectorClient | undefined): Promise<unknown> => {
      const overview = await client?.read<Overview>('/api/overview');
      return [overview?.actions, overview?.namespaces.map(({ name }) => name)];
    };
    expect(await shown(one?.client)).toEqual([true, ['one']]);
    expect(await shown(other?.client)).toEqual([false, ['other']]);
  });

  it('may be there twice, for different people', async () => {
    const { port } = await inspectedApp({
      platform,
      inspector: { path: 'look' },
      imports: [CacheInspectorModule.forRoot({ path: 'change', actions: true })],
    });
    for (const [base, actions] of [
      ['/look', false],
      ['/change', true],
    ] as const)
      expect(await new InspectorClient(port, base).read('/api/overview')).toMatchObject({ actions });
  });
});
