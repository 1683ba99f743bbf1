import { beforeAll, describe, expect, it } from 'vitest';
import { browserLanguage, languages, locale, maybe, setLanguage, t } from './index.svelte';

describe('words', () => {
  beforeAll(() => setLanguage('uk'));

  it.each([
    [1, '1 звернення'],
    [2, '2 звернення'],
    [5, '5 звернень'],
    [21, '21 звернення'],
    [1234, '1\u00a0234 звернення'],
  ])('choose the plural form of %d', (n, text) => {
    expect(t('list.count', { n })).toBe(text);
  });

  it('fill parameters and leave unknown ones alone', () => {
    expect(t('done.assigned', { name: 'Олена' })).toBe('Призначено: Олена');
    expect(t('done.assigned', {})).toBe('Призначено: {name}');
  });

  // The codes of internal/inbox/message.go.
  it.each([
    ...['assigned', 'claimed', 'unassigned', 'returned', 'resolved', 'reopened', 'pending'],
    ...['snoozed', 'woken', 'queued', 'team', 'topic', 'tagged'],
  ])('tell what happened: %s', (code) => {
    expect(maybe(`system.${code}`)).toBeDefined();
  });

  it('say nothing for a code that they do not know', () => {
    expect(maybe('system.something_new')).toBeUndefined();
  });

  it.each(languages.map((l) => l.code))('come in %s, with the language on the page', async (code) => {
    await setLanguage(code);
    expect(locale.language).toBe(code);
    expect(document.documentElement.lang).toBe(code);
    expect(t('nav.inbox')).not.toBe('nav.inbox');
  });
});

describe('the browser’s language', () => {
  it('is the first that we speak', () => {
    expect(browserLanguage(['de-DE', 'pl-PL', 'uk'])).toBe('pl');
    expect(browserLanguage(['de'])).toBe('en');
  });
});
