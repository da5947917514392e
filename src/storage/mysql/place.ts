import type { QueryRunner } from 'typeorm';
import type { Place } from '../listed-storage.js';

/** Common versions of MariaDB have no identity of a server. */
const WHERE = `
  SELECT CONCAT_WS(' ', @@hostname, @@port, @@datadir, DATABASE()) AS \`identity\`,
    (SELECT COUNT(*) FROM information_schema.PROCESSLIST p WHERE p.DB = DATABASE() AND p.ID <> CONNECTION_ID()) AS \`others\``;

/** Sessions have no name there, and only a user with the right to see processes sees those of other users. */
export async function placeOnMysql(runner: QueryRunner): Promise<Place> {
  const [found] = (await runner.query(WHERE)) as [{ identity: string; others: string | number }];
  return { identity: `mysql ${found.identity}`, caches: 0, others: Number(found.others) };
}
