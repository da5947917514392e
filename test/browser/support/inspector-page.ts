import type { Locator, Page } from 'playwright-core';

/** The inspector as somebody sees it, by roles and names. */
export class InspectorPage {
  constructor(readonly page: Page) {}

  get heading(): Locator {
    return this.page.getByRole('heading', { level: 1 });
  }

  get connection(): Locator {
    return this.page.locator('#connection');
  }

  get panel(): Locator {
    return this.page.locator('.panel');
  }

  get dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  /** Where the dialog takes text. */
  get field(): Locator {
    return this.dialog.getByRole('textbox');
  }

  get notices(): Locator {
    return this.page.locator('.notice');
  }

  /** Resolves when figures come by themselves. */
  async connected(): Promise<this> {
    await this.connection.filter({ hasText: /^Connected$/ }).waitFor();
    return this;
  }

  /** The row of a namespace in the overview, or of a key in a namespace. */
  row(name: string): Locator {
    return this.page.getByRole('row').filter({ has: this.page.getByRole('link', { name, exact: true }) });
  }

  link(name: string): Locator {
    return this.page.getByRole('main').getByRole('link', { name, exact: true });
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** A fact of the entry that is open. */
  fact(name: string): Locator {
    return this.panel.locator(`div:has(> dt:text-is("${name}")) dd`);
  }

  get value(): Locator {
    return this.panel.getByRole('region', { name: 'Value' });
  }

  /** The keys that are listed, in their order. */
  async keys(): Promise<string[]> {
    return this.page.locator('.entries tbody th').allTextContents();
  }

  async search(text: string, how = 'Keys that begin with'): Promise<void> {
    await this.page.getByLabel('How keys are compared').selectOption(how);
    await this.page.getByLabel('Key', { exact: true }).fill(text);
    await this.button('Search').click();
  }
}
