import type { Immutable } from './immutable.js';

/** Whether readers of a namespace share one frozen value, or get a copy each. */
export type ValueMode = 'frozen' | 'copied';

/** What readers get of a value: `V` itself where each gets a copy, else `V` readonly at every depth. */
export type ReadValue<V, M extends ValueMode> = [M] extends ['copied'] ? V : Immutable<V>;
