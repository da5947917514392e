import { Injectable } from '@nestjs/common';
import { CacheService, type Immutable, type UserData } from '../../index.js';
import type { Delivery } from '../messages/message.js';
import { isHandled, readReceipt, repeatedAnswer, type Receipt } from '../messages/receipt.js';
import { assertLengths, assertRoom } from '../settings/entry-limits.js';

/** The bot's own field beside those of the user, who can't name it: a user's keys have no blanks. */
const NOTES = 'notes of the bot';

interface Notes {
  readonly receipt?: Receipt | undefined;
  /** The chat whose data was taken over. */
  readonly movedFrom?: number | undefined;
}

type Place = readonly [chatId: number, userId: number];
type Entries = Immutable<UserData>;

/** What is remembered of users, chat by chat. */
@Injectable()
export class UserMemory {
  constructor(private readonly cache: CacheService) {}

  async all(place: Place): Promise<Entries> {
    return split(await this.cache.chatUsers.get(place)).entries;
  }

  /** Keeps one thing more. Returns the answer to the user; nothing for a message that was handled before the last one. */
  put(place: Place, key: string, value: string, delivery?: Delivery): Promise<string | undefined> {
    assertLengths(key, value);
    return this.#change(place, delivery, (entries) => {
      assertRoom(entries, key, 'Make room with /forget first.');
      return { entries: { ...entries, [key]: value }, answer: `I’ll remember: ${key} = ${value}` };
    });
  }

  /** Removes one thing; returns like {@link put}. */
  remove(place: Place, key: string, delivery?: Delivery): Promise<string | undefined> {
    return this.#change(place, delivery, (entries) => {
      const { [key]: _removed, ...others } = entries;
      const known = Object.hasOwn(entries, key);
      return { entries: others, answer: known ? `Forgotten: ${key}` : `I remember nothing under ${key}.` };
    });
  }

  /** Moves everything to another place. Where both have a key, the value that is there wins. */
  async move(from: Place, to: Place): Promise<void> {
    const source = await this.cache.chatUsers.get(from);
    if (source === undefined) return;
    await this.cache.chatUsers.update(to, (target) => {
      const { entries, notes } = split(target);
      // Taken over already: keys that were forgotten since must not come back.
      if (target !== undefined && notes.movedFrom === from[0]) return target;
      const old = split(source);
      const receipt = notes.receipt ?? old.notes.receipt;
      return join({ ...old.entries, ...entries }, { receipt, movedFrom: from[0] });
    });
    await this.cache.chatUsers.delete(from);
  }

  async #change(
    place: Place,
    delivery: Delivery | undefined,
    change: (entries: Entries) => { entries: Entries; answer: string },
  ): Promise<string | undefined> {
    let answer: string | undefined;
    await this.cache.chatUsers.update(place, (stored = {}) => {
      const { entries, notes } = split(stored);
      if (delivery !== undefined && notes.receipt !== undefined && isHandled(delivery, notes.receipt)) {
        answer = repeatedAnswer(delivery, notes.receipt);
        return stored;
      }
      const changed = change(entries);
      answer = changed.answer;
      const receipt = delivery === undefined ? notes.receipt : { ...delivery, answer };
      return join(changed.entries, { ...notes, receipt });
    });
    return answer;
  }
}

function split(stored: Entries = {}): { entries: Entries; notes: Notes } {
  const { [NOTES]: notes, ...entries } = stored;
  const { receipt, movedFrom } = (notes ?? {}) as Partial<Record<keyof Notes, unknown>>;
  return {
    entries,
    notes: {
      receipt: readReceipt(receipt),
      movedFrom: typeof movedFrom === 'number' ? movedFrom : undefined,
    },
  };
}

function join(entries: Entries, { receipt, movedFrom }: Notes): Entries {
  if (receipt === undefined && movedFrom === undefined) return entries;
  const notes = { ...(receipt !== undefined && { receipt }), ...(movedFrom !== undefined && { movedFrom }) };
  return { ...entries, [NOTES]: notes };
}
