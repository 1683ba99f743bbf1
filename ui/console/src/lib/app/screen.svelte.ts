// How much room there is: one pane below 768, the customer in a drawer below 1280.

function watch(query: string): { readonly is: boolean } {
  const media = typeof matchMedia === 'function' ? matchMedia(query) : undefined;
  let is = $state(media?.matches ?? false);
  media?.addEventListener('change', () => (is = media.matches));
  return {
    get is() {
      return is;
    },
  };
}

const phone = watch('(max-width: 767.98px)');
const wide = watch('(min-width: 1280px)');
const roomy = watch('(min-width: 1024px)');

export const screen = {
  get phone(): boolean {
    return phone.is;
  },
  /** The views list has a column of its own. */
  get roomy(): boolean {
    return roomy.is;
  },
  /** The customer stands beside the thread. */
  get wide(): boolean {
    return wide.is;
  },
};
