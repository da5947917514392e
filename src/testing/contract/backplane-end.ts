import assert from 'node:assert/strict';
import type { Backplane, BackplaneConnect } from '../../index.js';

/** What an end of a backplane was told: a state in a word. */
type Told = 'up' | 'down';

/** An end of a backplane that is under test, with all that it hears. */
export class BackplaneEnd {
  readonly texts: string[] = [];
  readonly states: Told[] = [];
  /** Why it went down, each time. */
  readonly causes: unknown[] = [];
  /** Called in the very call that tells a state. */
  onState: (state: Told) => void = () => undefined;
  readonly #waiting: { readonly holds: () => boolean; readonly goOn: () => void }[] = [];

  constructor(
    readonly backplane: Backplane,
    private readonly database: BackplaneConnect | undefined,
  ) {}

  async open(name: string): Promise<this> {
    await this.backplane.open({
      name,
      database: this.database,
      onMessage: (text) => {
        this.texts.push(text);
        this.#look();
      },
      onState: (state, error) => {
        this.states.push(state);
        if (state === 'down') this.causes.push(error);
        this.onState(state);
        this.#look();
      },
    });
    return this;
  }

  publish(text: string): Promise<void> {
    return this.backplane.publish(text);
  }

  /** Resolves when `holds` does, which is asked whenever the end is told something. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ holds, goOn: resolve });
      this.#look();
    });
  }

  /** Resolves when it has heard so many texts. */
  heard(count: number): Promise<void> {
    return this.until(() => this.texts.length >= count);
  }

  /** Resolves when it has been told so many states. */
  told(count: number): Promise<void> {
    return this.until(() => this.states.length >= count);
  }

  /** Publishes a text, and waits until it has come back. */
  async hearsItself(text: string): Promise<void> {
    await this.publish(text);
    await this.until(() => this.texts.includes(text));
  }

  /** Rejects with an error where a publish does anything but reject. */
  async refusesToPublish(): Promise<void> {
    await assert.rejects(async () => this.publish('nobody hears this'), Error);
  }

  #look(): void {
    for (const waiting of this.#waiting.filter(({ holds }) => holds())) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.goOn();
    }
  }
}
