import type { INestApplicationContext } from '@nestjs/common';
import { CacheModule, CacheService, type CacheModuleOptions } from '../../../../src/index.js';
import {
  DurableKeyvStore,
  keyvNamespace,
  type KeyvNamespaceOptions,
} from '../../../../src/integrations/keyv/index.js';
import { NestLog, startApp } from '../../../support/nest-app.js';

/** An application with one namespace for Keyv, which can be started again. */
export class KeyvApp {
  readonly log = new NestLog();
  readonly #definition;
  #app: INestApplicationContext | undefined;

  constructor(
    private readonly options: CacheModuleOptions,
    tuning: Omit<KeyvNamespaceOptions, 'name'> = {},
  ) {
    this.#definition = keyvNamespace({ name: 'keyv', ...tuning });
  }

  get entries() {
    if (this.#app === undefined) throw new Error('The application is not running.');
    return this.#app.get(CacheService).namespace(this.#definition);
  }

  async start(): Promise<void> {
    const { log, options } = this;
    const namespaces = [this.#definition];
    this.#app = await startApp([CacheModule.forRoot({ ...options, namespaces, chatNamespaces: false })], log);
  }

  async stop(): Promise<void> {
    await this.#app?.close();
    this.#app = undefined;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  newStore(): DurableKeyvStore {
    return new DurableKeyvStore(this.entries);
  }
}
