// Run before anything is painted, so that a page that was chosen to be dark does not flash white.
try {
  const theme = localStorage.getItem('cache-inspector-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off: the system's theme it is.
}
