// The words of the console. Keys are typed from the English files; a language is one chunk, fetched when chosen.
import type actWords from '$messages/en/act.json';
import type callWords from '$messages/en/call.json';
import type callbackWords from '$messages/en/callbacks.json';
import type channelWords from '$messages/en/channel.json';
import type consoleWords from '$messages/en/console.json';
import type customerWords from '$messages/en/customer.json';
import type goodsWords from '$messages/en/goods.json';
import type handsetWords from '$messages/en/handset.json';
import type inboxWords from '$messages/en/inbox.json';
import type noticesWords from '$messages/en/notices.json';
import type letterWords from '$messages/en/letter.json';
import type notifyWords from '$messages/en/notify.json';
import type optoutWords from '$messages/en/optouts.json';
import type outgoingWords from '$messages/en/outgoing.json';
import type phoneWords from '$messages/en/phone.json';
import type phonequeueWords from '$messages/en/phonequeue.json';
import type playerWords from '$messages/en/player.json';
import type postWords from '$messages/en/post.json';
import type recordingsWords from '$messages/en/recordings.json';
import type scriptWords from '$messages/en/script.json';
import type settingsWords from '$messages/en/settings.json';
import type shopWords from '$messages/en/shop.json';
import type templateWords from '$messages/en/template.json';
import type taskWords from '$messages/en/tasks.json';
import type workWords from '$messages/en/work.json';
import type { Language } from '$lib/api/types';

type Words = typeof actWords &
  typeof callWords &
  typeof callbackWords &
  typeof phoneWords &
  typeof phonequeueWords &
  typeof playerWords &
  typeof channelWords &
  typeof letterWords &
  typeof postWords &
  typeof consoleWords &
  typeof inboxWords &
  typeof customerWords &
  typeof goodsWords &
  typeof handsetWords &
  typeof noticesWords &
  typeof notifyWords &
  typeof recordingsWords &
  typeof scriptWords &
  typeof optoutWords &
  typeof outgoingWords &
  typeof settingsWords &
  typeof shopWords &
  typeof taskWords &
  typeof templateWords &
  typeof workWords;
export type Key = keyof Words;
export type Params = Record<string, string | number>;
type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
type Catalogue = Record<string, string | Plural>;

export const languages: { code: Language; name: string }[] = [
  { code: 'uk', name: 'Українська' },
  { code: 'en', name: 'English' },
  { code: 'pl', name: 'Polski' },
  { code: 'ru', name: 'Русский' },
];
// The regional form only decides how dates and numbers look.
const regions: Record<Language, string> = { en: 'en-GB', uk: 'uk-UA', ru: 'ru-RU', pl: 'pl-PL' };

const chunks = import.meta.glob<{ default: Catalogue }>('./bundles/*.ts');
const areas = new Set(['desk']);

let words = $state.raw<Catalogue>({});
let current = $state<Language>('en');
let plurals = new Intl.PluralRules('en');
let numbers = new Intl.NumberFormat('en-GB');

/** Switches the language; resolves when all areas in use have arrived. */
export async function setLanguage(language: Language): Promise<void> {
  const parts = await Promise.all([...areas].map((area) => load(language, area)));
  plurals = new Intl.PluralRules(language);
  numbers = new Intl.NumberFormat(regions[language]);
  words = Object.assign({}, ...parts);
  current = language;
  document.documentElement.lang = language;
}

/** Adds the words of a part that is itself loaded late, such as settings. */
export async function needWords(
  area: 'acts' | 'call' | 'callbacks' | 'notify' | 'player' | 'script' | 'settings' | 'work',
): Promise<void> {
  if (areas.has(area)) return;
  const part = await load(current, area);
  areas.add(area);
  words = { ...words, ...part };
}

async function load(language: Language, area: string): Promise<Catalogue> {
  const chunk = await chunks[`./bundles/${language}.${area}.ts`]!();
  return chunk.default;
}

/** The text of a key. A message with plural forms chooses by `n`; `{name}` is replaced by the parameter. */
export function t(key: Key, params?: Params): string {
  const entry = words[key];
  if (entry === undefined) return key;
  const text = typeof entry === 'string' ? entry : (entry[plurals.select(Number(params?.n))] ?? entry.other);
  return params ? fill(text, params) : text;
}

/** Like t, for a code that the server may know before this console does: undefined when there is no such text. */
export function maybe(key: string, params?: Params): string | undefined {
  return key in words ? t(key as Key, params) : undefined;
}

function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? numbers.format(value) : value;
  });
}

export const locale = {
  get language(): Language {
    return current;
  },
  get region(): string {
    return regions[current];
  },
};

/** The first supported language among those that the browser asks for. */
export function browserLanguage(wanted: readonly string[] = navigator.languages): Language {
  for (const tag of wanted) {
    const code = tag.slice(0, 2).toLowerCase();
    const known = languages.find((l) => l.code === code);
    if (known) return known.code;
  }
  return 'en';
}
