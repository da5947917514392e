import type { QueryRunner } from 'typeorm';
import type { LoadPage, Stamp } from '../../core/storage-adapter.js';
import type {
  ExactRead,
  ExactRow,
  KeyPage,
  NamespaceFigures,
  RefusedRows,
  SizedKey,
} from '../listed-storage.js';
import type { Statement } from './statement.js';

/** Namespaces that have rows, and the rows that are in none. */
export interface NamespaceNames {
  readonly names: readonly string[];
  readonly stray: readonly RefusedRows[];
}

/** How rows are read and stored exactly as they are, in one database's words: for tools, at whatever price in speed. */
export interface ExactRows {
  names(runner: QueryRunner): Promise<NamespaceNames>;
  figures(runner: QueryRunner, now: number): Promise<readonly NamespaceFigures[]>;
  keys(runner: QueryRunner, namespace: string, page: LoadPage): Promise<KeyPage>;
  sizes(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<readonly SizedKey[]>;
  read(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<ExactRead>;
  /** What stores rows over what there is of them. Default stamp 0: no cache has written them. */
  store(namespace: string, rows: readonly ExactRow[], stamp?: Stamp): Iterable<Statement>;
}
