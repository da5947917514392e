import { beforeEach, describe, expect, it } from 'vitest';
import { chatsNamespace } from '../../src/chat/chat-namespaces.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { CacheNamespace, type ChatRecord, type Immutable, type NamespaceCache } from '../../src/index.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { FakeClock } from '../support/fake-clock.js';
import { RecordingLogger } from '../support/recording-logger.js';

describe('the chats of a bot, where several processes share the table', () => {
  let rows: InMemoryStorage;

  async function start(): Promise<{ readonly cache: NamespaceCache<number, ChatRecord> }> {
    const context = { clock: new FakeClock(), logger: new RecordingLogger(), random: () => 0.5 };
    const options = resolveEngineOptions({ checkpointIntervalMs: false, instances: 'many' });
    const engine = new CacheEngine(() => rows, options, {}, context);
    return { cache: await engine.register(chatsNamespace) };
  }

  beforeEach(() => {
    rows = new InMemoryStorage();
  });

  const record = async (): Promise<ChatRecord | undefined> => {
    const [found] = await rows.read(CacheNamespace.CHATS, ['7']);
    return found === undefined ? undefined : (JSON.parse(found.value) as ChatRecord);
  };
  type Change = (record: Immutable<ChatRecord> | undefined) => Immutable<ChatRecord>;
  const settings =
    (language: string): Change =>
    (chat) => ({ ...chat, settings: { language } });
  const info =
    (title: string): Change =>
    (chat) => ({ ...chat, info: { title } });

  it('keep settings and info apart: they never overwrite each other', async () => {
    const one = await start();
    const other = await start();
    await one.cache.update(7, settings('en'));
    await one.cache.flush();
    await other.cache.refresh(7);
    await one.cache.update(7, settings('de'));
    await other.cache.update(7, info('Berlin'));
    await one.cache.flush();
    await other.cache.flush();
    expect(await record()).toEqual({ settings: { language: 'de' }, info: { title: 'Berlin' } });
    await one.cache.update(7, settings('fr'));
    await one.cache.flush();
    expect(await record()).toEqual({ settings: { language: 'fr' }, info: { title: 'Berlin' } });
  });

  it('that one removes and the other changes keep what was changed', async () => {
    const one = await start();
    const other = await start();
    await one.cache.update(7, settings('en'));
    await one.cache.flush();
    await other.cache.refresh(7);
    await one.cache.update(7, info('Berlin'));
    await one.cache.flush();
    await other.cache.delete(7);
    await other.cache.flush();
    expect(await record()).toEqual({ info: { title: 'Berlin' } });
  });

  it('that one removes and the other has not changed otherwise are gone', async () => {
    const one = await start();
    const other = await start();
    await one.cache.update(7, settings('en'));
    await one.cache.flush();
    await other.cache.refresh(7);
    await one.cache.update(7, settings('de'));
    await one.cache.flush();
    await other.cache.delete(7);
    await other.cache.flush();
    expect(await record()).toBeUndefined();
  });
});
