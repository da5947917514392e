/** A chat as its transport knows it. */
interface Chat {
  readonly id: number;
  readonly title: string;
  readonly type: string;
}

/** Distinguishes a repeated delivery from a new message. */
export interface Delivery {
  /** Higher than that of the message before it in the chat. */
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
}

/** A message, whichever transport brought it. */
export interface IncomingMessage {
  readonly chat: Chat;
  /** Whoever speaks: a user, or a chat in whose name somebody writes. */
  readonly userId: number;
  /** Empty for a message without text. */
  readonly text: string;
  readonly sentAt: Date;
  /** The bot's own name in a command such as `/set@name`. Absent where every name is meant for it. */
  readonly botName?: string;
  /** Absent where the transport delivers each message once. */
  readonly delivery?: Delivery;
}

/** What the bot says. */
export interface Answer {
  readonly text: string;
  /** Whether its columns only line up in a font of fixed width. */
  readonly monospace?: boolean;
}

/** A text as an answer, where there is one. */
export function asAnswer(text: string | undefined): Answer | undefined {
  return text === undefined ? undefined : { text };
}
