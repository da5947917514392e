import { Injectable } from '@nestjs/common';
import { InjectNamespace, type NamespaceCache } from 'nestjs-durable-cache';
import { hourScores, playerScores, playerStreaks } from './scores.namespaces.js';

export interface Standing {
  points: number;
  thisHour: number;
  streak: number;
}

interface Points {
  points: number;
}

@Injectable()
export class ScoresService {
  constructor(
    @InjectNamespace(playerScores) private readonly scores: NamespaceCache<string, Points>,
    @InjectNamespace(hourScores) private readonly hours: NamespaceCache<number, Points>,
    @InjectNamespace(playerStreaks) private readonly streaks: NamespaceCache<string, number>,
  ) {}

  async add(player: string, hour: number, points: number): Promise<Standing> {
    const sum = (before?: Readonly<Points>): Points => ({ points: (before?.points ?? 0) + points });
    await this.scores.update(player, sum);
    await this.hours.update(hour, sum);
    await this.streaks.update(player, (streak) => (streak ?? 0) + 1);
    return this.standing(player, hour);
  }

  async standing(player: string, hour: number): Promise<Standing> {
    const [score, ofHour, streak] = await Promise.all([
      this.scores.get(player),
      this.hours.get(hour),
      this.streaks.get(player),
    ]);
    return { points: score?.points ?? 0, thisHour: ofHour?.points ?? 0, streak: streak ?? 0 };
  }

  async forget(player: string): Promise<boolean> {
    await this.streaks.delete(player);
    return this.scores.delete(player);
  }
}
