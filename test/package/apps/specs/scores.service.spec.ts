import { Test } from '@nestjs/testing';
import { getNamespaceToken } from 'nestjs-durable-cache';
import { hourScores, playerScores, playerStreaks } from '../scores/scores.namespaces.js';
import { ScoresService } from '../scores/scores.service.js';

describe('ScoresService', () => {
  const scores = { get: vi.fn(), update: vi.fn(), delete: vi.fn() };
  const hours = { get: vi.fn(), update: vi.fn() };
  const streaks = { get: vi.fn(), update: vi.fn(), delete: vi.fn() };
  let service: ScoresService;

  beforeEach(async () => {
    const module = await Test.createTestingModule({
      providers: [
        ScoresService,
        { provide: getNamespaceToken(playerScores), useValue: scores },
        { provide: getNamespaceToken(hourScores), useValue: hours },
        { provide: getNamespaceToken(playerStreaks), useValue: streaks },
      ],
    }).compile();
    service = module.get(ScoresService);
  });

  it('answers with what each namespace has', async () => {
    scores.get.mockResolvedValue({ points: 15 });
    hours.get.mockResolvedValue({ points: 4 });
    streaks.get.mockResolvedValue(undefined);
    expect(await service.standing('ada', 7)).toEqual({ points: 15, thisHour: 4, streak: 0 });
    expect(hours.get).toHaveBeenCalledWith(7);
  });

  it('forgets the points and the streak', async () => {
    scores.delete.mockResolvedValue(true);
    expect(await service.forget('ada')).toBe(true);
    expect(streaks.delete).toHaveBeenCalledWith('ada');
  });
});
