// Bars with buttons at the lower edge of the screen: toasts stand above the tallest of them, so that no word covers what is to be pressed next.
const heights = new Map<HTMLElement, number>();

function tell(): void {
  document.documentElement.style.setProperty('--foot', `${Math.max(0, ...heights.values())}px`);
}

export function foot(bar: HTMLElement): () => void {
  const watch = new ResizeObserver(() => {
    heights.set(bar, bar.offsetHeight);
    tell();
  });
  watch.observe(bar);
  return () => {
    watch.disconnect();
    heights.delete(bar);
    tell();
  };
}
