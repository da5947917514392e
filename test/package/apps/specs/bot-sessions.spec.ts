import { Test } from '@nestjs/testing';
import { CacheModule, CacheService, InMemoryStorage } from 'nestjs-durable-cache';
import { botSessionNamespace, DurableBotSessions } from 'nestjs-durable-cache/grammy';

interface Visits {
  count: number;
}

// Without grammY and Telegraf, one of which an application does not have.
describe('the sessions of a bot', () => {
  it('are kept in the cache', async () => {
    const visits = botSessionNamespace<Visits>({ name: 'visits' });
    const module = await Test.createTestingModule({
      imports: [CacheModule.forRoot({ storage: new InMemoryStorage(), namespaces: [visits] })],
    }).compile();
    const sessions = new DurableBotSessions(module.get(CacheService).namespace(visits));
    await sessions.write('7', { count: 1 });
    const session = await sessions.read('7');
    if (session !== undefined) session.count += 1;
    await sessions.set('8', { count: 2 });
    expect([await sessions.get('7'), await sessions.get('8'), session]).toEqual([
      { count: 1 },
      { count: 2 },
      { count: 2 },
    ]);
    await module.close();
  });
});
