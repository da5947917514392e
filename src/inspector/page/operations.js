import { confirm, messageOf } from './confirm-dialog.js';
import { EditDialog } from './edit-dialog.js';
import { RequestError } from './server.js';
import { counted, duration } from './wording.js';

/**
 * @typedef {import('./contract.js').Entry} Entry
 * @typedef {import('./contract.js').FlushReport} FlushReport
 * @typedef {import('./server.js').Server} Server
 * @typedef {import('./announcer.js').Announcer} Announcer
 */

/** What an operator can do. Each tells how it ended, and `changed` is called where it has changed what is shown. */
export class Operations {
  /** @param {Server} server @param {Announcer} announcer @param {() => void} changed */
  constructor(server, announcer, changed) {
    this.server = server;
    this.announcer = announcer;
    this.changed = changed;
  }

  /** Of one namespace, or of all. @param {string} [name] */
  flush(name) {
    return this.#told(async () => flushed(await this.server.flush(name)));
  }

  reload() {
    return this.#told(async () => {
      const { rows, skipped, durationMs } = await this.server.reload();
      const left = skipped > 0 ? ` ${counted(skipped, 'row')} could not be read and stayed as they are.` : '';
      return `Loaded ${counted(rows, 'entry', 'entries')} in ${duration(durationMs)}.${left}`;
    });
  }

  /** @param {string} name @param {string} key */
  refresh(name, key) {
    return this.#told(async () => {
      await this.server.refresh(name, key);
      return `Read ${key} again from the database.`;
    });
  }

  /** @param {string} name @param {string} key */
  async delete(name, key) {
    let deleted = false;
    const done = await confirm({
      title: `Delete ${key}?`,
      text: `The entry will be gone from ${name}, in memory and wherever it is stored. This can’t be undone.`,
      action: 'Delete',
      perform: async () => {
        ({ deleted } = await this.server.delete(name, key));
      },
    });
    if (!done) return false;
    this.announcer.done(deleted ? `Deleted ${key}.` : `${key} was not there any more.`);
    this.changed();
    return true;
  }

  /** @param {string} name */
  async clear(name) {
    const done = await confirm({
      title: `Clear ${name}?`,
      text: 'All its entries will be gone, in memory and wherever they are stored. This can’t be undone.',
      action: 'Clear',
      typed: name,
      perform: (typed) => this.server.clear(name, typed),
    });
    if (!done) return;
    this.announcer.done(`Cleared ${name}.`);
    this.changed();
  }

  /** @param {string} name @param {Entry} entry */
  async edit(name, entry) {
    const { key } = entry;
    const saved = await new EditDialog(entry, {
      save: (value, version) =>
        this.server.edit(name, { key, value, ...(version !== undefined && { version }) }),
      current: () => this.server.entry(name, key).catch(absent),
    }).open();
    if (!saved) return;
    this.announcer.done(`Saved ${key}.`);
    this.changed();
  }

  /** @param {() => Promise<string>} perform gives what is told of it */
  async #told(perform) {
    try {
      this.announcer.done(await perform());
      this.changed();
    } catch (error) {
      this.announcer.failed(messageOf(error));
    }
  }
}

/** @param {FlushReport} report */
function flushed({ written, failed, remaining, durationMs, error }) {
  const parts = [`Wrote ${counted(written, 'entry', 'entries')} in ${duration(durationMs)}.`];
  if (failed > 0)
    parts.push(
      `${counted(failed, 'entry', 'entries')} could not be written and will be tried again${error === undefined ? '' : ` (${error.message})`}.`,
    );
  else if (remaining > 0) parts.push(`${counted(remaining, 'entry', 'entries')} came meanwhile.`);
  return parts.join(' ');
}

/** @param {unknown} error @returns {undefined} */
function absent(error) {
  if (error instanceof RequestError && error.code === 'NO_ENTRY') return undefined;
  throw error;
}
