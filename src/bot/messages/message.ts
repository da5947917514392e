/** A chat as its transport knows it. */
interface Chat {
  readonly id: number;
  readonly title: string;
  readonly type: string;
}

/** A message, whichever transport brought it. */
export interface IncomingMessage {
  readonly chat: Chat;
  readonly userId: number;
  /** Empty for a message without text. */
  readonly text: string;
  readonly sentAt: Date;
  /** The bot's own name in a command such as `/set@name`. Absent where every name is meant for it. */
  readonly botName?: string;
}

/** What the bot says. */
export interface Answer {
  readonly text: string;
  /** Whether its columns only line up in a font of fixed width. */
  readonly monospace?: boolean;
}
