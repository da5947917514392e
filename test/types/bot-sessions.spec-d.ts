import type { Enhance, StorageAdapter } from 'grammy';
import type { Scenes } from 'telegraf';
import { session as telegrafSession, type Context } from 'telegraf';
import { expectTypeOf, it } from 'vitest';
import { rich, type NamespaceOf } from '../../src/index.js';
import { botSessionNamespace, DurableBotSessions } from '../../src/integrations/grammy/index.js';

interface Visits {
  count: number;
  texts: string[];
}

const visits = botSessionNamespace<Visits>({ name: 'visits' });
declare const namespace: NamespaceOf<typeof visits>;

it('sessions suit grammY and Telegraf, with the type of their namespace', () => {
  const sessions = new DurableBotSessions(namespace);
  expectTypeOf(sessions).toEqualTypeOf<DurableBotSessions<Visits>>();
  expectTypeOf(sessions).toExtend<Required<StorageAdapter<Visits>>>();
  telegrafSession<Visits, Context & { session: Visits }>({ store: sessions });
});

it('sessions of other types suit, too: enhanced ones, primitives, scenes of Telegraf', () => {
  botSessionNamespace<Enhance<Visits>>({ name: 'enhanced' });
  botSessionNamespace<string>({ name: 'language' });
  botSessionNamespace<Scenes.WizardSession>({ name: 'scenes' });
});

it('a session that JSON would alter needs another codec', () => {
  interface Dated {
    since: Date;
  }
  // @ts-expect-error -- a date comes back as text
  botSessionNamespace<Dated>({ name: 'dated' });
  const dated = botSessionNamespace({ name: 'dated', value: rich<Dated>() });
  expectTypeOf<NamespaceOf<typeof dated>>().toExtend<
    ConstructorParameters<typeof DurableBotSessions<Dated>>[0]
  >();
});
