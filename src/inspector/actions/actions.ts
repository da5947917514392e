import type { CacheEngine } from '../../core/engine/cache-engine.js';
import type { FlushReport, LoadReport } from '../../core/reports.js';
import type { InspectedNamespace } from '../../core/inspection/cache-inspection.js';
import { noEntry, storable, type EntryReader } from '../entries/entry-reader.js';
import type { EntryView } from '../entries/entry-view.js';
import type { Exchange } from '../http/exchange.js';
import { Refusal } from '../http/refusal.js';
import { bodyOf, optionalTextIn, textIn } from '../http/request-body.js';
import type { InspectorBehaviour } from '../inspector-options.js';
import { quoted, type AuditLog } from './audit-log.js';
import type { EntryEdits } from './entry-edit.js';

type Body = Readonly<Record<string, unknown>>;

/** A flush as the page gets it. */
export interface FlushView extends Omit<FlushReport, 'error'> {
  readonly error?: { readonly code: string; readonly message: string };
}

export interface ActionsParts {
  readonly engine: CacheEngine;
  readonly reader: EntryReader;
  readonly edits: EntryEdits;
  readonly audit: AuditLog;
  readonly options: Pick<InspectorBehaviour, 'actions'>;
}

/** What the page can change. */
export class Actions {
  constructor(private readonly parts: ActionsParts) {}

  async delete(exchange: Exchange): Promise<{ readonly deleted: boolean }> {
    const { engine } = this.parts;
    return this.#ofEntry(exchange, 'delete', async ({ definition, entries }, key) => ({
      deleted: await engine.namespace(definition).delete(entries.keyOf(key)),
    }));
  }

  async edit(exchange: Exchange): Promise<EntryView> {
    const { edits, reader } = this.parts;
    return this.#ofEntry(exchange, 'edit', async (namespace, key, body) => {
      const edit = { key, text: textIn(body, 'value'), version: optionalTextIn(body, 'version') };
      await edits.make(edit, namespace);
      return reader.of(namespace.definition.name, key);
    });
  }

  async refresh(exchange: Exchange): Promise<EntryView> {
    const { engine, reader } = this.parts;
    return this.#ofEntry(exchange, 'refresh', async ({ definition, entries }, key) => {
      if ((await engine.namespace(definition).refresh(entries.keyOf(key))) === undefined) throw noEntry();
      return reader.of(definition.name, key);
    });
  }

  async flush(exchange: Exchange): Promise<FlushView> {
    const { engine, audit } = this.parts;
    const name = optionalTextIn(await this.#bodyOf(exchange), 'namespace');
    if (name === undefined) return viewOf(await audit.logged(exchange, 'Flush', () => engine.persistAll()));
    const { definition } = engine.inspection.namespace(name);
    return viewOf(
      await audit.logged(exchange, `Flush of namespace ${quoted(name)}`, () =>
        engine.namespace(definition).flush(),
      ),
    );
  }

  async reload(exchange: Exchange): Promise<LoadReport> {
    const { engine, audit } = this.parts;
    await this.#bodyOf(exchange);
    return audit.logged(exchange, 'Reload from the database', () => engine.loadFromDatabase());
  }

  async clear(exchange: Exchange): Promise<Readonly<Record<string, never>>> {
    const { engine, audit } = this.parts;
    const body = await this.#bodyOf(exchange);
    const { definition } = engine.inspection.namespace(textIn(body, 'namespace'));
    return audit.logged(exchange, `Clear of namespace ${quoted(definition.name)}`, async () => {
      if (body['confirm'] !== definition.name)
        throw new Refusal(400, 'NOT_CONFIRMED', 'Type the name of the namespace to clear it.');
      await engine.namespace(definition).clear();
      return {};
    });
  }

  /** Runs an action on one entry. */
  async #ofEntry<T>(
    exchange: Exchange,
    verb: string,
    run: (namespace: InspectedNamespace, key: string, body: Body) => Promise<T>,
  ): Promise<T> {
    const body = await this.#bodyOf(exchange);
    const namespace = this.parts.engine.inspection.namespace(textIn(body, 'namespace'));
    const key = storable(textIn(body, 'key'));
    const what = `${capitalised(verb)} of key ${quoted(key)} in namespace ${quoted(namespace.definition.name)}`;
    return this.parts.audit.logged(exchange, what, () => run(namespace, key, body));
  }

  async #bodyOf(exchange: Exchange): Promise<Body> {
    if (this.parts.options.actions) return bodyOf(exchange);
    throw new Refusal(
      403,
      'ACTIONS_OFF',
      'Actions are off. To let the page change something, set actions: true in CacheInspectorModule.forRoot().',
    );
  }
}

function viewOf({ error, ...report }: FlushReport): FlushView {
  return { ...report, ...(error && { error: { code: error.code, message: error.message } }) };
}

function capitalised(verb: string): string {
  return verb.charAt(0).toUpperCase() + verb.slice(1);
}
