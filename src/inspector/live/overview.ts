import { hostname } from 'node:os';
import type { CacheEngine } from '../../core/engine/cache-engine.js';
import type { CacheHealth } from '../../core/engine/health-check.js';
import type { NamespaceStats } from '../../core/definition/namespace-stats.js';
import type { FailureReport } from '../../core/failure-log.js';
import type { InspectedInstance, InspectedNamespace } from '../../core/inspection/cache-inspection.js';
import type { InspectorBehaviour } from '../inspector-options.js';
import { packageVersion } from '../package-version.js';

/** An instance as the page gets it. */
interface InstanceView {
  readonly id: string;
  readonly self: boolean;
  readonly host?: string;
  readonly pid?: number;
  readonly since?: number;
  readonly lastSeen: number;
  /** Commits. */
  readonly written: number;
  /** Of this one: when it has looked last what others have changed, ms ago. */
  readonly staleMs?: number;
}

/** A namespace and its figures. */
interface NamespaceView extends Omit<NamespaceStats, 'persistenceLevel'> {
  readonly name: string;
  readonly level: string;
  readonly keyKind: string;
  readonly shared: boolean;
  readonly maxBytes?: number;
  readonly writesPerSecond: number;
}

/** All that the page shows of the whole cache. */
export interface Overview {
  readonly at: number;
  readonly version: string;
  readonly pid: number;
  readonly host: string;
  readonly startedAt: number;
  readonly database?: string;
  readonly mode: 'one' | 'many';
  readonly actions: boolean;
  readonly values: boolean;
  readonly health: CacheHealth;
  readonly failures: readonly FailureReport[];
  readonly instances: readonly InstanceView[];
  readonly namespaces: readonly NamespaceView[];
}

export interface OverviewParts {
  readonly engine: CacheEngine;
  readonly options: Pick<InspectorBehaviour, 'actions' | 'values'>;
  readonly writesPerSecond: (namespace: string) => number;
}

/** Looks at the whole cache. Takes two questions to the database, and 1.6 s at most. */
export async function overviewOf({ engine, options, writesPerSecond }: OverviewParts): Promise<Overview> {
  const { inspection } = engine;
  const [health, instances] = await Promise.all([engine.health(), inspection.instances()]);
  const stats = engine.stats();
  const { database } = inspection;
  return {
    at: inspection.clock.now(),
    version: packageVersion(),
    pid: process.pid,
    host: hostname(),
    startedAt: inspection.startedAt,
    ...(database !== undefined && { database }),
    mode: inspection.mode,
    actions: options.actions,
    values: options.values,
    health,
    failures: inspection.failures,
    instances: instances.map(instanceView),
    namespaces: inspection.namespaces().flatMap((namespace) => {
      const { name } = namespace.definition;
      const figures = stats[name];
      return figures === undefined ? [] : namespaceView(namespace, figures, writesPerSecond(name));
    }),
  };
}

function instanceView(instance: InspectedInstance): InstanceView {
  const { id, isSelf, host, pid, since, lastSeen, commits, confirmedMsAgo } = instance;
  return {
    id,
    self: isSelf,
    ...(host !== undefined && { host }),
    ...(pid !== undefined && { pid }),
    ...(since !== undefined && { since }),
    lastSeen,
    written: commits,
    ...(confirmedMsAgo !== undefined && { staleMs: confirmedMsAgo }),
  };
}

function namespaceView(
  { definition, isShared }: InspectedNamespace,
  { persistenceLevel, ...figures }: NamespaceStats,
  writesPerSecond: number,
): NamespaceView {
  const { name, key, maxBytes } = definition;
  return {
    name,
    level: persistenceLevel,
    keyKind: key.expects,
    shared: isShared,
    ...(maxBytes !== undefined && { maxBytes }),
    writesPerSecond,
    ...figures,
  };
}
