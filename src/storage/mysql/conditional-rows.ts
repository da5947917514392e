import type { Commit, RowWrite, Stamp } from '../../core/storage-adapter.js';
import type { OpenTransaction } from '../sql/connection.js';
import type { Dialect } from '../sql/dialect.js';
import { backQuoted } from '../sql/quoted-name.js';
import { chunksOf, keysByNamespace, sortedRows, type Row } from '../sql/row-order.js';
import type { Statement } from '../sql/statement.js';
import { textOf } from '../sql/stored-row.js';
import { toTimestamp } from '../sql/timestamp.js';
import { lonePut, loneRemoval } from './lone-write.js';
import { packetParts } from './packet.js';
import { KEYS_PER_LIST, ROWS_PER_STATEMENT, rowsStatement } from './row-statements.js';
import { KEEP } from './upsert.js';

const TABLE = '`cache_storage`';
/** The server plans each of the joined rows by itself: more of them are sooner read with a lock and stored. */
const ROWS_PER_JOIN = 50;

export interface ConditionalRowsOptions {
  readonly dialect: Pick<Dialect, 'statements'>;
  readonly transaction: OpenTransaction;
  readonly commit: Commit;
  /** The server's max_allowed_packet, bytes. */
  readonly maxPacket: number;
  /** The name of the key on (namespace, key), where it is known. */
  readonly uniqueKey: string | undefined;
}

/** Rows that are written where they are what they are expected to be, in words that MySQL and MariaDB share. */
export class ConditionalRows {
  /** Those that were not. */
  readonly losers: RowWrite[] = [];
  /** Those that a statement has written or not: it gives no more than their number. */
  readonly #uncertain: RowWrite[] = [];

  constructor(private readonly options: ConditionalRowsOptions) {}

  async write(rows: readonly RowWrite[]): Promise<void> {
    const puts = sortedRows(rows);
    const present = puts.filter(({ expects }) => expects !== null);
    const removals = rows.filter(({ value }) => value === undefined);
    const isLone = (some: readonly RowWrite[]): boolean => some.length === 1 && some[0]?.expects !== null;
    const held: RowWrite[] = [];
    if (present.length > ROWS_PER_JOIN) held.push(...present);
    else await this.#update(present);
    await this.#insert(puts.filter(({ expects }) => expects === null));
    if (isLone(removals)) await this.#remove(removals);
    else held.push(...removals);
    await this.#hold(held);
    await this.#settle();
  }

  async #update(rows: readonly Row[]): Promise<void> {
    for (const part of packetParts(rows, ROWS_PER_JOIN, this.options.maxPacket)) {
      this.#count(part, await this.options.transaction.execute(this.#updating(part)));
    }
  }

  #updating(rows: readonly Row[]): Statement {
    const { commit, uniqueKey } = this.options;
    const written = [toTimestamp(commit.now), commit.stamp];
    const [first] = rows;
    if (rows.length === 1 && first !== undefined) return lonePut(first, commit);
    // The order of the rows is that in which they are locked. Without the hint a small table, or one that was small when the
    // server last counted its rows, is read, and locked, as a whole.
    const hint = uniqueKey === undefined ? '' : ` FORCE INDEX (${backQuoted(uniqueKey)})`;
    const others = ' UNION ALL SELECT ?, ?, ?, ?, ?'.repeat(rows.length - 1);
    return {
      sql:
        `UPDATE (SELECT ? AS \`n\`, ? AS \`k\`, ? AS \`v\`, ? AS \`e\`, ? AS \`x\`${others}) AS \`r\` ` +
        `STRAIGHT_JOIN ${TABLE} AS \`t\`${hint} ` +
        'ON `t`.`namespace` = `r`.`n` AND `t`.`key` = `r`.`k` AND `t`.`version` = `r`.`x` ' +
        'SET `t`.`value` = `r`.`v`, `t`.`expires_at` = `r`.`e`, `t`.`updated_at` = ?, `t`.`version` = ?',
      parameters: [
        ...rows.flatMap(({ namespace, key, value, expiresAt, expects }) => [
          namespace,
          key,
          value,
          expiresAt,
          expects,
        ]),
        ...written,
      ],
    };
  }

  async #insert(rows: readonly Row[]): Promise<void> {
    const { transaction, commit, maxPacket } = this.options;
    for (const part of packetParts(rows, ROWS_PER_STATEMENT, maxPacket)) {
      const inserted = await transaction.execute(
        rowsStatement(part, commit, { name: 'insert', action: KEEP }),
      );
      // Where the server counts rows that are found too, a number says nothing. None is none.
      if (inserted === 0) this.losers.push(...part);
      else this.#uncertain.push(...part);
    }
  }

  async #remove(rows: readonly RowWrite[]): Promise<void> {
    for (const row of rows) this.#count([row], await this.options.transaction.execute(loneRemoval(row)));
  }

  /** Reads rows with a lock, and then writes those that are what is expected. */
  async #hold(rows: readonly RowWrite[]): Promise<void> {
    const { dialect, transaction, commit } = this.options;
    const stamps = await this.#stampsOf(rows, ' ORDER BY `key` FOR UPDATE');
    const isExpected = (row: RowWrite): boolean => (stamps(row) ?? null) === row.expects;
    this.losers.push(...rows.filter((row) => !isExpected(row)));
    // What is absent can't be locked: somebody may have inserted it by now, and it is not to be removed.
    const due = rows.filter((row) => row.expects !== null && isExpected(row));
    for (const statement of dialect.statements(due, commit)) await transaction.execute(statement);
  }

  /** Finds out which rows have the stamp of this commit. */
  async #settle(): Promise<void> {
    const { stamp } = this.options.commit;
    const stamps = await this.#stampsOf(this.#uncertain, ' AND `version` = ?', [stamp]);
    this.losers.push(...this.#uncertain.filter((row) => stamps(row) === undefined));
  }

  #count(rows: readonly RowWrite[], written: number): void {
    if (written === 0) this.losers.push(...rows);
    else if (written < rows.length) this.#uncertain.push(...rows);
  }

  async #stampsOf(
    rows: readonly RowWrite[],
    condition: string,
    parameters: readonly unknown[] = [],
  ): Promise<(row: RowWrite) => Stamp | undefined> {
    const stamps = new Map<string, Map<string, Stamp>>();
    for (const [namespace, keys] of keysByNamespace(rows)) {
      const found = new Map<string, Stamp>();
      for (const chunk of chunksOf(keys, KEYS_PER_LIST)) {
        const read = (await this.options.transaction.query({
          sql: `SELECT \`key\`, \`version\` FROM ${TABLE} WHERE \`namespace\` = ? AND \`key\` IN (?)${condition}`,
          parameters: [namespace, chunk, ...parameters],
        })) as { key: Buffer | string; version: number | string }[];
        for (const { key, version } of read) found.set(textOf(key), Number(version));
      }
      stamps.set(namespace, found);
    }
    return ({ namespace, key }) => stamps.get(namespace)?.get(key);
  }
}
