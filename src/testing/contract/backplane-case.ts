import { randomBytes } from 'node:crypto';
import type { Backplane, BackplaneConnect } from '../../index.js';
import type { TestRunner } from '../test-runner.js';
import { BackplaneEnd } from './backplane-end.js';

/** A connection that breaks is made anew after 5 s at most. */
const TIMEOUT_MS = 30_000;

export interface BackplaneCaseOptions {
  readonly newEnd: () => Backplane | Promise<Backplane>;
  readonly database: (() => BackplaneConnect | undefined) | undefined;
  readonly cut: (() => void | Promise<void>) | undefined;
}

/** What the tests of a contract have in hand: the functions of the runner, and ends of the backplane that is under test. */
export class BackplaneCase {
  readonly describe: TestRunner['describe'];
  readonly #ends: BackplaneEnd[] = [];
  /** Another channel in each test. */
  #channel = '';

  constructor(
    private readonly runner: TestRunner,
    private readonly options: BackplaneCaseOptions,
  ) {
    this.describe = runner.describe;
    runner.beforeEach(async () => {
      this.#channel = this.newChannel();
    });
    runner.afterEach(async () => {
      await Promise.all(this.#ends.splice(0).map(({ backplane }) => backplane.close()));
    });
  }

  readonly it = (test: string, body: () => Promise<void>): unknown => this.runner.it(test, body, TIMEOUT_MS);

  readonly newChannel = (): string => `ndc_${randomBytes(8).toString('hex')}`;

  /** One that is not open yet. */
  readonly closedEnd = async (): Promise<BackplaneEnd> => {
    const end = new BackplaneEnd(await this.options.newEnd(), this.options.database?.());
    this.#ends.push(end);
    return end;
  };

  readonly openEnd = async (channel = this.#channel): Promise<BackplaneEnd> =>
    (await this.closedEnd()).open(channel);

  readonly openEnds = async (count: number): Promise<BackplaneEnd[]> => {
    const ends: BackplaneEnd[] = [];
    while (ends.length < count) ends.push(await this.openEnd());
    return ends;
  };

  /** Breaks every connection. */
  readonly cut = async (): Promise<void> => {
    await this.options.cut?.();
  };

  get canCut(): boolean {
    return this.options.cut !== undefined;
  }
}
