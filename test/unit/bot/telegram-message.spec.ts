import type { Context } from 'grammy';
import type { Message } from 'grammy/types';
import { describe, expect, it } from 'vitest';
import { readMessage } from '../../../src/bot/telegram/telegram-message.js';

const ME = { username: 'GromozekaBot' } as Context['me'];
const GROUP = { id: -5, type: 'group', title: 'Tea club' } as const;
const CHANNEL = { id: -100, type: 'channel', title: 'News' } as const;
const OTHER_CHANNEL = { id: -200, type: 'channel', title: 'Weather' } as const;
const ALICE = { id: 7, is_bot: false, first_name: 'Alice' };
/** The user that Telegram names where a channel, or an anonymous administrator, or a bot writes. */
const CHANNEL_BOT = { id: 136_817_688, is_bot: true, first_name: 'Channel' };
const ANONYMOUS_BOT = { id: 1_087_968_824, is_bot: true, first_name: 'Group' };
const OTHER_BOT = { id: 9, is_bot: true, first_name: 'Weather' };

function read(message: Partial<Message>) {
  const whole = { message_id: 1, date: 2, chat: GROUP, text: '/recall', ...message } as Message;
  return readMessage({ update_id: 3 }, whole, ME);
}

describe('a message of Telegram', () => {
  it('is of the user who wrote it', () => {
    expect(read({ from: ALICE })).toMatchObject({
      chat: { id: -5, title: 'Tea club' },
      userId: 7,
      text: '/recall',
      delivery: { id: 3, sentAt: 2000 },
    });
  });

  it('is of the channel in whose name it was written, each being somebody else', () => {
    expect(read({ from: CHANNEL_BOT, sender_chat: CHANNEL })?.userId).toBe(-100);
    expect(read({ from: CHANNEL_BOT, sender_chat: OTHER_CHANNEL })?.userId).toBe(-200);
  });

  it('is of the group where an anonymous administrator wrote it', () => {
    expect(read({ from: ANONYMOUS_BOT, sender_chat: GROUP })?.userId).toBe(-5);
  });

  it('is nobody’s where Telegram copied it from the channel of the group', () => {
    const copy = { is_automatic_forward: true, sender_chat: CHANNEL, from: CHANNEL_BOT } as const;
    expect(read(copy)).toBeUndefined();
  });

  it('is not answered where another bot wrote it, or nobody did', () => {
    expect(read({ from: OTHER_BOT })).toBeUndefined();
    expect(read({})).toBeUndefined();
  });
});
