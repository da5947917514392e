import type { Page } from 'playwright-core';

/** By how many pixels the page is wider than its window, so that it scrolls sideways. */
export function overhangOf(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/** What is cut off or sticks out at the right of the window, though the page does not scroll there. What scrolls by itself is left out. */
export function stickingOut(page: Page): Promise<string[]> {
  return page.evaluate<
    string[]
  >(`[...document.querySelectorAll('button, input, select, a, h1, h2, h3, dd, td, th')]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.unseen, .skip, thead'))
    .filter((one) => {
      for (let parent = one.parentElement; parent !== null; parent = parent.parentElement)
        if (/auto|scroll/.test(getComputedStyle(parent).overflowX)) return false;
      return one.getBoundingClientRect().right > innerWidth + 0.5;
    })
    .map((one) => one.outerHTML.slice(0, 120))`);
}

/** What has the focus, as its role and name would be read out: enough to tell which control it is. */
export function focused(page: Page): Promise<string> {
  return page.evaluate<string>(`(() => {
    const one = document.activeElement;
    const name = one.getAttribute('aria-label') ?? one.labels?.[0]?.textContent ?? one.textContent ?? '';
    return one.tagName.toLowerCase() + ' ' + name.replace(/\\s+/g, ' ').trim().slice(0, 60);
  })()`);
}

/** Whether what has the focus shows it. */
export function showsFocus(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(`(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1;
  })()`);
}

/** The colour behind the page, from 0 for black to 255. */
export function brightnessOf(page: Page): Promise<number> {
  return page.evaluate<number>(`(() => {
    const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
    return (red + green + blue) / 3;
  })()`);
}
