import type { CachePersistenceLevel } from '../definition/persistence-level.js';
import type { LoadReport } from '../reports.js';

/** What a start did. */
export interface StartReport {
  /** Where the data is, without credentials; `undefined` where nothing is persisted. */
  readonly database: string | undefined;
  /** In the order of their declaration. */
  readonly namespaces: readonly {
    readonly name: string;
    readonly persistence: CachePersistenceLevel;
    readonly load: LoadReport;
  }[];
}
