// Runs before the first paint, so that a dark desk never flashes white. A file of its own: the policy forbids inline scripts.
(function () {
  var theme = 'system';
  try {
    theme = localStorage.getItem('opeka.theme') || theme;
  } catch {
    // storage is blocked: follow the system
  }
  var dark = theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
