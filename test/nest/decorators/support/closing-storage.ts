import { InMemoryStorage } from '../../../../src/index.js';

/** A storage, and a promise that resolves when it has been closed. */
export function closing(): { readonly storage: InMemoryStorage; readonly closed: Promise<void> } {
  const storage = new InMemoryStorage();
  const close = storage.close.bind(storage);
  const closed = new Promise<void>((resolve) => {
    storage.close = async () => {
      await close();
      resolve();
    };
  });
  return { storage, closed };
}
