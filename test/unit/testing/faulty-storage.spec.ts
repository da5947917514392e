import { describe, expect, it } from 'vitest';
import { InMemoryStorage, type StorageFailure, type StoredEntry } from '../../../src/index.js';
import { writeChanges } from '../../../src/testing/contract/changes.js';
import { FaultyStorage, StorageFault, TestClock } from '../../../src/testing/index.js';
import { errorWith } from '../../support/definitions.js';
import { settle } from '../../support/fake-clock.js';

const row: StoredEntry = { key: 'a', value: '1', expiresAt: null };
const changes = [{ namespace: 'n', puts: [row] }];

function world(): { clock: TestClock; rows: InMemoryStorage; storage: FaultyStorage } {
  const clock = new TestClock(1000);
  const rows = new InMemoryStorage();
  return { clock, rows, storage: new FaultyStorage(rows, clock) };
}

/** Whether a call has settled by now. */
async function hasSettled(call: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const note = (): void => {
    isSettled = true;
  };
  call.then(note, note);
  await settle();
  return isSettled;
}

describe('a faulty storage', () => {
  it('is the storage it is put round, as long as nothing is injected', async () => {
    const { storage, rows } = world();
    await storage.open();
    await writeChanges(storage, changes, 1000);
    expect(await rows.read('n', ['a'])).toMatchObject([row]);
    expect(await storage.read('n', ['a'])).toMatchObject([row]);
    expect(await storage.count('n', 1000)).toBe(1);
    expect(await storage.load('n', { after: undefined, limit: 9, now: 1000 })).toMatchObject({ rows: [row] });
    expect(storage.describe()).toBe('memory');
    await storage.clear('n', { stamp: 2, now: 1000 });
    expect(await storage.count('n', 1000)).toBe(0);
  });

  it('fails as many writes as it is told to, stores nothing of them, and leaves reads alone', async () => {
    const { storage, rows } = world();
    storage.failWrites(2);
    await expect(writeChanges(storage, changes, 1)).rejects.toThrow(StorageFault);
    await expect(storage.clear('n', { stamp: 2, now: 1000 })).rejects.toThrow(StorageFault);
    expect(await storage.read('n', ['a'])).toEqual([]);
    expect(await rows.count('n', 1)).toBe(0);
    await writeChanges(storage, changes, 1);
    expect(await rows.count('n', 1)).toBe(1);
  });

  it('fails reads of every kind, and leaves writes alone', async () => {
    const { storage } = world();
    storage.failReads(Infinity);
    await writeChanges(storage, changes, 1);
    const reads = [
      storage.read('n', ['a']),
      storage.count('n', 1),
      storage.load('n', { after: undefined, limit: 1, now: 1 }),
    ];
    for (const read of reads) await expect(read).rejects.toThrow(StorageFault);
    storage.failReads(0);
    expect(await storage.read('n', ['a'])).toMatchObject([row]);
  });

  it('throws the error it is given, which the cache takes for a state of the storage that may pass', async () => {
    const { storage } = world();
    const full = Object.assign(new Error('disk full'), { code: 'SQLITE_FULL' });
    storage.failWrites(1, full);
    await expect(writeChanges(storage, changes, 1)).rejects.toBe(full);
    expect(storage.classify(full)).toBe('transient');
    expect(storage.classify(new StorageFault('permanent'))).toBe('permanent');
  });

  it('leaves it to the storage inside what its own errors say', async () => {
    const own = new Error('its own');
    const isOwn = (error: unknown): boolean => error === own;
    class Telling extends InMemoryStorage {
      override classify(error?: unknown): StorageFailure {
        return isOwn(error) ? 'permanent' : 'transient';
      }
    }
    const storage = new FaultyStorage(new Telling());
    expect(storage.classify(own)).toBe('permanent');
    expect(storage.classify(new Error('another'))).toBe('transient');
  });

  it('knows of a write that failed whether it was undone as far as the storage inside does', async () => {
    const undone = new Error('rolled back');
    class Telling extends InMemoryStorage {
      override isUndone(error: unknown): boolean {
        return error === undone;
      }
    }
    const storage = new FaultyStorage(new Telling());
    expect(storage.isUndone(undone)).toBe(true);
    expect(storage.isUndone(new StorageFault())).toBe(false);
    expect(new FaultyStorage(new InMemoryStorage()).isUndone(undone)).toBe(false);
  });

  it('has no fault for the purge, which no test asks for, unless every write fails', async () => {
    const { storage } = world();
    storage.hang();
    storage.failWrites(1);
    expect(await storage.purgeExpired('n', 1)).toBe(0);
    storage.heal();
    storage.failWrites(1);
    await expect(writeChanges(storage, changes, 1)).rejects.toThrow(StorageFault);
    storage.failWrites(Infinity);
    await expect(storage.purgeExpired('n', 1)).rejects.toThrow(StorageFault);
  });

  it('delays calls by time of its clock', async () => {
    const { storage, clock } = world();
    storage.delay(200);
    const write = writeChanges(storage, changes, 1);
    await clock.advance(199);
    expect(await hasSettled(write)).toBe(false);
    await clock.advance(1);
    await write;
    storage.delay(0);
    expect(await storage.read('n', ['a'])).toMatchObject([row]);
  });

  it('hangs until it is healed, and then goes on', async () => {
    const { storage, clock } = world();
    storage.hang();
    const write = writeChanges(storage, changes, 1);
    const read = storage.read('n', ['a']);
    await clock.advance(3_600_000);
    expect(await hasSettled(Promise.race([write, read]))).toBe(false);
    storage.heal();
    await write;
    await read;
    expect(await storage.read('n', ['a'])).toMatchObject([row]);
  });

  it('hangs or delays only reads, or only writes, where it is told so', async () => {
    const { storage } = world();
    storage.hang('writes');
    storage.delay(50, 'writes');
    expect(await storage.read('n', ['a'])).toEqual([]);
    storage.heal();
    storage.hang('reads');
    await writeChanges(storage, changes, 1);
    expect(await hasSettled(storage.read('n', ['a']))).toBe(false);
  });

  it('ends what hangs when it is closed, as a connection that ends does: a heal does not bring it back', async () => {
    const { storage, rows } = world();
    storage.hang();
    const write = writeChanges(storage, changes, 1);
    const ended = expect(write).rejects.toMatchObject({ code: 'FAULT_CLOSED' });
    await storage.close();
    await ended;
    await storage.open();
    expect(await hasSettled(writeChanges(storage, changes, 1))).toBe(false);
    expect(await rows.count('n', 1)).toBe(0);
    storage.heal();
    await settle();
    expect(await rows.count('n', 1)).toBe(1);
  });

  it('ends every fault at once when it is healed', async () => {
    const { storage } = world();
    storage.failReads(Infinity);
    storage.failWrites(Infinity);
    storage.delay(1000);
    storage.heal();
    await writeChanges(storage, changes, 1);
    expect(await storage.read('n', ['a'])).toMatchObject([row]);
  });

  it.each([-1, 0.5, Number.NaN, '1'])('refuses to fail %o times, and changes nothing', async (times) => {
    const { storage } = world();
    expect(() => storage.failWrites(times as number)).toThrow(errorWith('INVALID_OPTION'));
    expect(() => storage.failReads(times as number)).toThrow(errorWith('INVALID_OPTION'));
    expect(() => storage.delay(Number.NaN)).toThrow(errorWith('INVALID_OPTION'));
    await writeChanges(storage, changes, 1);
  });
});
