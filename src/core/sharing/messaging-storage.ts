import type { BackplaneConnect } from './backplane-link.js';

/** A storage whose database carries messages between its clients. */
export interface MessagingStorage {
  /** Makes a connection for messages, beside those for rows, once the storage is open. */
  readonly connectMessages: BackplaneConnect;
}

/** Whether the database of `storage` carries messages. */
export function carriesMessages<Storage extends object>(
  storage: Storage,
): storage is Storage & MessagingStorage {
  return typeof (storage as Partial<MessagingStorage>).connectMessages === 'function';
}
