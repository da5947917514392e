import type { CachePersistenceLevel } from '../definition/persistence-level.js';
import type { LoadReport } from '../reports.js';

/** With whom an instance shares its database. */
export interface SharingReport {
  /** How many there are, this one included, as far as was seen. */
  readonly instances: number;
  /** What carries messages between them, in its own word; `undefined` for nothing. */
  readonly backplane: string | undefined;
}

/** What a start did. */
export interface StartReport {
  /** Where the data is, without credentials; `undefined` where nothing is persisted. */
  readonly database: string | undefined;
  /** Whether other instances may work on it; `undefined` where this one makes sure that it is alone. */
  readonly sharing: SharingReport | undefined;
  /** In the order of their declaration. */
  readonly namespaces: readonly {
    readonly name: string;
    readonly persistence: CachePersistenceLevel;
    readonly load: LoadReport;
  }[];
}
