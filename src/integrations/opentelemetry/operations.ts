import type { Attributes } from '@opentelemetry/api';
import {
  COMMIT_CHANNEL,
  FLUSH_CHANNEL,
  LOAD_CHANNEL,
  READ_CHANNEL,
  type CommitTrace,
  type FlushTrace,
  type LoadTrace,
  type ReadTrace,
} from '../../index.js';
import { NAMESPACE } from './names.js';

/** One object that the events of an operation share. */
export type OperationTrace = LoadTrace | ReadTrace | FlushTrace | CommitTrace;

/** What the cache tells of on a tracing channel. */
export interface Operation {
  readonly channel: string;
  /** The name of its spans. */
  readonly span: string;
  /** The name of its histogram. */
  readonly duration: string;
  readonly description: string;
  /** The namespaces in whose histogram it counts. */
  measuredIn(trace: OperationTrace): readonly string[];
  /** What is known of it at `start`. */
  begunWith(trace: OperationTrace): Attributes;
  /** What is known in addition at its end, where it has not failed. */
  endedWith(trace: OperationTrace): Attributes;
}

export const OPERATIONS: readonly Operation[] = [
  operation<LoadTrace>({
    channel: LOAD_CHANNEL,
    span: 'cache.load',
    duration: 'cache.load.duration',
    description: 'How long the loads of a namespace take.',
    measuredIn: ({ namespace }) => [namespace],
    begunWith: ({ namespace }) => ({ [NAMESPACE]: namespace }),
    endedWith: ({ rows, skipped }) => ({ 'cache.load.rows': rows, 'cache.load.skipped': skipped }),
  }),
  operation<ReadTrace>({
    channel: READ_CHANNEL,
    span: 'cache.read',
    duration: 'cache.read.duration',
    description: 'How long queries take for keys that memory can not answer.',
    measuredIn: ({ namespace }) => [namespace],
    begunWith: ({ namespace, keys }) => ({ [NAMESPACE]: namespace, 'cache.read.keys': keys }),
    endedWith: ({ found }) => ({ 'cache.read.found': found }),
  }),
  operation<FlushTrace>({
    channel: FLUSH_CHANNEL,
    span: 'cache.flush',
    duration: 'cache.flush.duration',
    description: 'How long it takes to write what is dirty in a namespace.',
    measuredIn: ({ namespace }) => [namespace],
    begunWith: ({ namespace }) => ({ [NAMESPACE]: namespace }),
    endedWith: ({ written, failed, remaining }) => ({
      'cache.flush.written': written,
      'cache.flush.failed': failed,
      'cache.flush.remaining': remaining,
    }),
  }),
  operation<CommitTrace>({
    channel: COMMIT_CHANNEL,
    span: 'cache.commit',
    duration: 'cache.commit.duration',
    description: 'How long transactions take that write entries of a namespace, or clear it.',
    // Nobody waits for the removal of what has expired.
    measuredIn: ({ operation: kind, namespaces }) => (kind === 'purge' ? [] : namespaces),
    begunWith: ({ operation: kind, namespaces, puts, deletes }) => ({
      'cache.commit.operation': kind,
      'cache.commit.namespaces': [...namespaces],
      'cache.commit.puts': puts,
      'cache.commit.deletes': deletes,
    }),
    endedWith: () => ({}),
  }),
];

/** The channel says what its traces are. */
function operation<Trace extends OperationTrace>(
  one: Omit<Operation, 'measuredIn' | 'begunWith' | 'endedWith'> & {
    measuredIn(trace: Trace): readonly string[];
    begunWith(trace: Trace): Attributes;
    endedWith(trace: Trace): Attributes;
  },
): Operation {
  return one;
}
