/** Light, dark or as the system has it. Set on the root before the first paint. */
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'bulkhead.theme';

export function theme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    return 'system';
  }
}

export function setTheme(next: Theme): void {
  try {
    if (next === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  applyTheme(next);
}

export function applyTheme(next: Theme = theme()): void {
  if (next === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = next;
}
