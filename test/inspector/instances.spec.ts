import { describe, expect, it } from 'vitest';
import type { CacheModuleOptions } from '../../src/index.js';
import type { EntryView } from '../../src/inspector/entries/entry-view.js';
import type { Overview } from '../../src/inspector/live/overview.js';
import { namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { postgresServer } from '../support/services.js';
import { closeApp, inspectedApp, type InspectedApp } from './support/inspected-app.js';

const users = namespaceOf<number>(ON_CHANGE, { name: 'users' });
const drafts = namespaceOf<number>(ON_SHUTDOWN, { name: 'drafts' });
const postgres = await postgresServer();

describe.skipIf(postgres === undefined)('an inspector of one of two instances on PostgreSQL', () => {
  async function startTwo(): Promise<[InspectedApp, InspectedApp]> {
    const url = (await postgres?.newDatabase()) ?? '';
    const cache: CacheModuleOptions = { storage: { type: 'postgres', url }, namespaces: [users, drafts] };
    const one = await inspectedApp({ cache, inspector: { actions: true } });
    return [one, await inspectedApp({ cache, inspector: { actions: true } })];
  }

  it('shows both, since when they are there, and what each has committed', async () => {
    const before = Date.now();
    const [one, other] = await startTwo();
    for (let i = 0; i < 3; i += 1) await other.cache.namespace(users).set('a', i);
    await one.cache.namespace(users).set('b', 1);
    const overview = await one.client.read<Overview>('/api/overview');
    expect(overview).toMatchObject({ mode: 'many', database: expect.stringContaining('postgres') as string });
    expect(overview.database).not.toMatch(/password|:\/\//);
    const [self, second] = overview.instances;
    expect(overview.instances).toHaveLength(2);
    expect(self).toMatchObject({
      self: true,
      pid: process.pid,
      written: 1,
      staleMs: expect.any(Number) as number,
    });
    expect(second).toMatchObject({ self: false, pid: process.pid, host: overview.host, written: 3 });
    for (const { since = 0, lastSeen } of overview.instances) {
      expect(since).toBeGreaterThanOrEqual(before);
      expect(lastSeen).toBeGreaterThanOrEqual(before);
      expect(lastSeen).toBeLessThanOrEqual(Date.now());
    }
    expect(second?.id).toBe((await other.client.read<Overview>('/api/overview')).instances[0]?.id);
    expect(overview.namespaces.map(({ shared }) => shared)).toEqual([true, true]);
    await closeApp(other);
    await expect
      .poll(async () => (await one.client.read<Overview>('/api/overview')).instances.length, {
        timeout: 20_000,
      })
      .toBe(1);
  });

  it('tells of a change that the other makes', async () => {
    const [one, other] = await startTwo();
    const events = await one.client.events();
    await events.next('overview');
    await other.cache.namespace(users).set('a', 7);
    const { instances } = await events.next<Overview>(
      'overview',
      (overview) => overview.instances[1]?.written === 1,
    );
    expect(instances[1]).toMatchObject({ self: false, written: 1 });
    expect(await one.client.read('/api/entry', { namespace: 'users', key: 'a' })).toMatchObject({
      value: '7',
    });
    const page = await one.client.read<{ entries: unknown[] }>('/api/entries', { namespace: 'users' });
    expect(page.entries).toMatchObject([{ key: 'a', preview: '7', inMemory: false }]);
    events.close();
  });

  it('edits nothing that the other has changed since it was shown', async () => {
    const [one, other] = await startTwo();
    await one.cache.namespace(users).set('a', 1);
    const { version } = await one.client.read<EntryView>('/api/entry', { namespace: 'users', key: 'a' });
    const edit = () =>
      one.client.act('/api/entry/edit', { namespace: 'users', key: 'a', value: '3', version });
    await other.cache.namespace(users).set('a', 2);
    expect((await edit()).status).toBe(409);
    expect(await one.cache.namespace(users).get('a', { fresh: true })).toBe(2);
    await other.cache.namespace(users).set('a', 1);
    expect((await edit()).status).toBe(200);
    expect(await other.cache.namespace(users).get('a', { fresh: true })).toBe(3);
  });
});
