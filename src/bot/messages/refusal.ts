/** Why the bot does not do what it was asked to. Its message is the answer to the user, and not a failure. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}
