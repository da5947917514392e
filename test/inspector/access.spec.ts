import { Injectable, Module, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { CacheInspectorOptions } from '../../src/inspector/index.js';
import { namespaceOf, ON_CHANGE } from '../support/definitions.js';
import {
  inspectedApp,
  PLATFORMS,
  type InspectedApp,
  type InspectedAppOptions,
} from './support/inspected-app.js';
import { InspectorClient } from './support/inspector-client.js';

const notes = namespaceOf<string>(ON_CHANGE, { name: 'notes' });

@Injectable()
class Keys {
  readonly accepted = 'letmein';
}

@Module({ providers: [Keys], exports: [Keys] })
class KeysModule {}

/** By a cookie, which browsers send along with whatever another site makes them ask. */
@Injectable()
class CookieGuard implements CanActivate {
  constructor(private readonly keys: Keys) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: { cookie?: string } }>();
    return headers.cookie === `key=${this.keys.accepted}`;
  }
}
Reflect.defineMetadata('design:paramtypes', [Keys], CookieGuard);

const GUARDED: CacheInspectorOptions = { guard: CookieGuard, imports: [KeysModule], actions: true };
const KEY = { cookie: 'key=letmein' };

/** An address of this machine that is not loopback. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((one) => one !== undefined && !one.internal && one.family === 'IPv4')?.address;

/** Everything there is to be asked for. */
const READS = [
  '',
  '/assets/page.js',
  '/api/overview',
  '/api/events',
  '/api/entries?namespace=notes',
  '/api/entry?namespace=notes&key=a',
];
const ACTIONS: readonly [string, object][] = [
  ['/api/entry/delete', { namespace: 'notes', key: 'a' }],
  ['/api/entry/edit', { namespace: 'notes', key: 'a', value: '"b"' }],
  ['/api/entry/refresh', { namespace: 'notes', key: 'a' }],
  ['/api/flush', {}],
  ['/api/clear', { namespace: 'notes', confirm: 'notes' }],
  ['/api/reload', {}],
];

describe.each(PLATFORMS)('the inspector on %s', (platform) => {
  const start = async (
    inspector: CacheInspectorOptions = { actions: true },
    more: InspectedAppOptions = {},
  ): Promise<InspectedApp> => {
    const started = await inspectedApp({ platform, cache: { namespaces: [notes] }, inspector, ...more });
    await started.cache.namespace(notes).set('a', 'private');
    return started;
  };

  /** That nothing of it answers a request with these headers, and nothing is changed. */
  async function expectRefused(
    { client, cache }: InspectedApp,
    headers: Record<string, string>,
    code: string,
  ): Promise<void> {
    for (const path of READS) {
      const { status, body } = await client.get(path, headers);
      expect([path, status], body).toEqual([path, 403]);
      expect(JSON.parse(body)).toEqual({ code, message: expect.any(String) as string });
    }
    for (const [path, body] of ACTIONS) {
      const answer = await client.act(path, body, headers);
      expect([path, answer.status]).toEqual([path, 403]);
    }
    expect(await cache.namespace(notes).get('a')).toBe('private');
  }

  describe('without a guard', () => {
    it('answers this machine under each of its own names', async () => {
      const { client, port } = await start();
      for (const host of [
        `localhost:${port}`,
        `127.0.0.1:${port}`,
        `[::1]:${port}`,
        'LocalHost',
        '127.0.0.1:1',
      ]) {
        expect((await client.get('/api/overview', { host })).status).toBe(200);
        expect((await client.get('', { host, origin: `http://${host}`.toLowerCase() })).status).toBe(200);
      }
    });

    it.each([
      ['forwarded', 'for=192.0.2.60'],
      ['x-forwarded-for', '127.0.0.1'],
      ['x-forwarded-host', 'localhost'],
      ['x-forwarded-proto', 'http'],
      ['x-forwarded-prefix', '/'],
      ['x-real-ip', '127.0.0.1'],
      ['via', '1.1 proxy'],
      ['cf-connecting-ip', '127.0.0.1'],
    ])('refuses what a proxy on this machine has marked with %s', async (name, value) => {
      await expectRefused(await start(), { [name]: value }, 'NOT_LOCAL');
    });

    it('refuses what a proxy asks in HTTP/1.0, unmarked', async () => {
      const { port } = await start();
      const socket: Socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.end(`GET /cache/api/overview HTTP/1.0\r\nHost: localhost:${port}\r\n\r\n`);
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 /);
    });

    it.each([
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example:80',
      '0.0.0.0',
      '127.0.0.2',
      'localhost:80:80',
      '.',
    ])('is not there under the name "%s", to which anybody can have a name of the web lead', async (host) => {
      await expectRefused(await start(), { host }, 'NOT_LOCAL');
    });

    it.each([
      'http://evil.example',
      'https://localhost.evil.example',
      'http://localhost:1',
      'null',
      'file://',
    ])('refuses a page of the origin %s', async (origin) => {
      await expectRefused(await start(), { origin }, 'CROSS_SITE');
    });

    it.each(['cross-site', 'same-site', 'nonsense'])('refuses what a browser calls %s', async (site) => {
      await expectRefused(await start(), { 'sec-fetch-site': site }, 'CROSS_SITE');
    });

    it.skipIf(outside === undefined)('refuses a socket from another address, whatever it says', async () => {
      const { port, cache } = await start(undefined, { address: '0.0.0.0' });
      const client = new InspectorClient(port, '/cache', outside);
      await expectRefused({ client, cache } as InspectedApp, {}, 'NOT_LOCAL');
    });
  });

  describe('with a guard', () => {
    it('answers nobody whom the guard refuses', async () => {
      await expectRefused(await start(GUARDED), {}, 'FORBIDDEN');
    });

    it('answers whom the guard admits, through a proxy, under any name and from anywhere', async () => {
      const { port, client } = await start(GUARDED, { address: '0.0.0.0' });
      const through = {
        ...KEY,
        host: 'admin.example',
        'x-forwarded-for': '192.0.2.1',
        origin: 'https://admin.example',
      };
      expect((await client.get('/api/overview', through)).status).toBe(200);
      expect((await client.act('/api/flush', {}, through)).status).toBe(200);
      const far = new InspectorClient(port, '/cache', outside ?? '127.0.0.1');
      expect((await far.get('/api/overview', KEY)).status).toBe(200);
    });

    it('takes the word of the browser where a proxy asks by another name', async () => {
      const { client } = await start(GUARDED);
      const renamed = { ...KEY, host: 'cache.internal', origin: 'https://admin.example' };
      expect(
        (await client.act('/api/flush', {}, { ...renamed, 'sec-fetch-site': 'same-origin' })).status,
      ).toBe(200);
      expect((await client.act('/api/flush', {}, renamed)).status).toBe(403);
    });

    it('may be an instance', async () => {
      const guard: CanActivate = {
        canActivate: (context) =>
          context.switchToHttp().getRequest<{ headers: { cookie?: string } }>().headers.cookie === 'yes',
      };
      const { client } = await start({ guard });
      expect((await client.get('/api/overview')).status).toBe(403);
      expect((await client.get('/api/overview', { cookie: 'yes' })).status).toBe(200);
    });

    it('opens its page for who comes from elsewhere, and gives other sites no data', async () => {
      const { client } = await start(GUARDED);
      const elsewhere = { ...KEY, 'sec-fetch-site': 'cross-site' };
      expect((await client.get('', elsewhere)).status).toBe(200);
      expect((await client.get('/api/overview', elsewhere)).status).toBe(403);
      expect(
        (await client.get('/api/entries?namespace=notes', { ...KEY, origin: 'https://evil.example' })).status,
      ).toBe(403);
    });

    it.each([
      ['from another site', { 'sec-fetch-site': 'cross-site' }],
      ['from another site of the same domain', { 'sec-fetch-site': 'same-site' }],
      ['from another origin', { origin: 'https://evil.example' }],
      ['from a page without an origin', { origin: 'null' }],
      ['without the header of its own', { 'x-cache-inspector': '' }],
      ['of which nobody knows what began it', { 'sec-fetch-site': 'none' }],
    ])('refuses an action %s, though its cookie comes along', async (_what, headers) => {
      const { client, cache } = await start(GUARDED);
      for (const [path, body] of ACTIONS) {
        const answer = await client.act(path, body, { ...KEY, ...headers });
        expect([path, answer.status, JSON.parse(answer.body)]).toMatchObject([
          path,
          403,
          { code: 'CROSS_SITE' },
        ]);
      }
      expect(await cache.namespace(notes).get('a')).toBe('private');
    });

    it.each([
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/jsonp',
    ])('refuses an action that a form could send, as %s', async (type) => {
      const { client, cache } = await start(GUARDED);
      for (const [path, body] of ACTIONS) {
        const answer = await client.act(path, body, { ...KEY, 'content-type': type });
        expect([path, answer.status]).toEqual([path, 415]);
      }
      expect(await cache.namespace(notes).get('a')).toBe('private');
    });

    it('shares nothing with the sites that the application shares its own routes with', async () => {
      const { client } = await start(GUARDED, {
        prepare: (app) => app.enableCors({ origin: true, credentials: true }),
      });
      const evil = { ...KEY, origin: 'https://evil.example' };
      for (const path of ['/api/overview', '/api/entry?namespace=notes&key=a']) {
        const answer = await client.get(path, evil);
        expect(answer.status).toBe(403);
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
      expect((await client.act('/api/clear', { namespace: 'notes', confirm: 'notes' }, evil)).status).toBe(
        403,
      );
    });
  });

  it('lets a browser run its own files and nothing else, whatever it sends', async () => {
    const { client } = await start();
    for (const path of ['', '/assets/page.js', '/api/overview', '/api/entries?namespace=unknown']) {
      const { headers } = await client.get(path);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['referrer-policy']).toBe('no-referrer');
    }
    const { headers, body } = await client.get('');
    expect(body).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:/i);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    for (const path of [
      '/api/overview',
      '/api/entries?namespace=notes',
      '/api/entry?namespace=notes&key=a',
      '/api/entry?namespace=notes&key=none',
    ])
      expect((await client.get(path)).headers['cache-control']).toContain('no-store');
  });

  it('serves the files of its page, and nothing beside them', async () => {
    const { client } = await start();
    const script = await client.get('/assets/page.js');
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
    const etag = String(script.headers.etag);
    expect(await client.get('/assets/page.js', { 'if-none-match': etag })).toMatchObject({
      status: 304,
      body: '',
    });
    for (const name of [
      '..%2Findex.js',
      '%2e%2e%2fpage-files.js',
      'none.js',
      'page.html%00.js',
      '..',
      '__proto__',
    ])
      expect((await client.get(`/assets/${name}`)).status).toBeGreaterThanOrEqual(400);
  });
});
