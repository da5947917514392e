import type { Commit, RowWrite } from '../../core/storage-adapter.js';
import type { Statement } from '../sql/statement.js';
import { toTimestamp } from '../sql/timestamp.js';

const IS_THAT = '`namespace` = ? AND `key` = ? AND `version` = ?';

/**
 * What stores one row if it is the one that is expected. A stamp is new to each row, so that a row that is changed is one that
 * was found, whichever of the two the driver asked the server to count.
 */
export function lonePut(
  { namespace, key, value, expiresAt, expects }: RowWrite,
  { now, stamp }: Commit,
): Statement {
  return {
    sql:
      'UPDATE `cache_storage` SET `value` = ?, `expires_at` = ?, `updated_at` = ?, `version` = ? ' +
      `WHERE ${IS_THAT}`,
    parameters: [value, expiresAt, toTimestamp(now), stamp, namespace, key, expects],
    name: 'update 1',
  };
}

/** What removes it. */
export function loneRemoval({ namespace, key, expects }: RowWrite): Statement {
  return {
    sql: `DELETE FROM \`cache_storage\` WHERE ${IS_THAT}`,
    parameters: [namespace, key, expects],
    name: 'delete 1',
  };
}
