import { Dialog } from './dialog.js';
import { button, element } from './element.js';
import { RequestError } from './server.js';

/**
 * Asks before something that can't be undone. Resolves with whether it was done.
 *
 * @param {{
 *   title: string,
 *   text: string,
 *   action: string,
 *   typed?: string,
 *   perform: (typed: string) => Promise<unknown>,
 * }} question `typed`: what must be typed first
 * @returns {Promise<boolean>}
 */
export async function confirm({ title, text, action, typed, perform }) {
  let done = false;
  const input = element('input', {
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    class: 'mono',
  });
  const act = element('button', { class: 'danger' }, action);
  const dialog = new Dialog(title, (own) => [
    element('p', {}, text),
    ...(typed === undefined
      ? []
      : [
          element(
            'label',
            { class: 'field' },
            element('span', {}, 'Type ', element('b', { class: 'mono' }, typed), ' to go on'),
            input,
          ),
        ]),
    element(
      'div',
      { class: 'actions' },
      button('Cancel', () => own.close()),
      act,
    ),
  ]);
  const typedRight = () => typed === undefined || input.value === typed;
  const allow = () => act.setAttribute('aria-disabled', String(!typedRight()));
  input.addEventListener('input', allow);
  allow();
  const submit = async () => {
    if (!typedRight()) {
      dialog.error = `That is not ${typed}.`;
      return input.focus();
    }
    act.setAttribute('aria-disabled', 'true');
    try {
      await perform(input.value);
      done = true;
      dialog.close();
    } catch (error) {
      dialog.error = messageOf(error);
      allow();
    }
  };
  dialog.form.addEventListener('submit', (event) => {
    event.preventDefault();
    void submit();
  });
  await dialog.open();
  return done;
}

/** @param {unknown} error */
export function messageOf(error) {
  if (error instanceof RequestError) return error.message;
  return `The page has failed: ${String(error)}`;
}
