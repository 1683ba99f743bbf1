import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inboxLists } from './conversations.svelte';
import { outbox } from './outbox.svelte';
import { message, row, serve } from './sample';
import { merge, threadOf } from './threads.svelte';

const page = (seqs: number[], more = {}) => ({
  conversation: {
    ...row(1),
    language: 'uk',
    page_url: '',
    visitor: null,
    read_seq_customer: 0,
    read_seq_agent: 0,
  },
  messages: seqs.map((s) => message(s)),
  has_more: false,
  draft: null,
  viewers: [],
  ...more,
});

beforeEach(() => localStorage.clear());
afterEach(() => {
  threadOf.forget();
  inboxLists.forget();
});

describe('a thread', () => {
  it('joins messages by id and orders them by number', () => {
    const joined = merge([message(1), message(3)], [message(2), message(3, { body: 'edited' })]);
    expect(joined.map((m) => m.seq)).toEqual([1, 2, 3]);
    expect(joined[2]!.body).toBe('edited');
  });

  it('fetches what was skipped when a number is missing', async () => {
    const asked = serve({
      'GET /conversations/1': () => page([1, 2]),
      'GET /conversations/1/messages': (_, url) => {
        expect(url.searchParams.get('after_seq')).toBe('2');
        return { items: [message(3), message(4)], next: '', has_more: false };
      },
    });
    const thread = threadOf.open(1);
    await thread.load();
    thread.hear(message(4));
    await new Promise((done) => setTimeout(done));
    expect(thread.messages.map((m) => m.seq)).toEqual([1, 2, 3, 4]);
    expect(asked).toContain('GET /conversations/1/messages');
  });

  it('takes the server’s draft, but not over what is being written', async () => {
    serve({
      'GET /conversations/1': () =>
        page([1], { draft: { body: 'from before', mode: 'note', updated_at: '' } }),
    });
    const thread = threadOf.open(1);
    await thread.load();
    expect(thread.draft.mode).toBe('note');
    expect(thread.draft.note).toBe('from before');
    thread.write('newer');
    await thread.load();
    expect(thread.draft.note).toBe('newer');
  });

  it('peeks without opening', async () => {
    const asked = serve({
      'GET /conversations/1/messages': () => ({ items: [message(1)], next: '', has_more: false }),
    });
    threadOf.prefetch(1);
    await new Promise((done) => setTimeout(done));
    expect(asked).toEqual(['GET /conversations/1/messages']);
    expect(threadOf.known(1)!.messages).toHaveLength(1);
  });
});

describe('sending', () => {
  const wanted = {
    kind: 'reply' as const,
    body: 'Hello',
    attachment_ids: [],
    client_id: 'key-1',
    expected_seq: 1,
  };
  const refusal = (status: number, code: string) => Response.json({ code, detail: 'No.' }, { status });

  it('shows at once and gives way to the server’s message', async () => {
    serve({
      'GET /conversations/1': () => page([1]),
      'POST /conversations/1/messages': () => message(2, { from: 'agent', client_id: 'key-1' }),
    });
    const thread = threadOf.open(1);
    await thread.load();
    const sent = outbox.send(1, wanted, [], 'Me');
    expect(outbox.of(1)).toHaveLength(1);
    expect(await sent).toBe(true);
    expect(outbox.of(1)).toHaveLength(0);
    expect(thread.messages.map((m) => m.seq)).toEqual([1, 2]);
  });

  it('waits for the line and goes out later with the same key', async () => {
    const keys: unknown[] = [];
    serve({ 'POST /conversations/1/messages': () => new TypeError('no network') });
    expect(await outbox.send(1, wanted, [], 'Me')).toBe(false);
    expect(outbox.waiting).toBe(1);
    serve({
      'POST /conversations/1/messages': (body) => {
        keys.push((body as typeof wanted).client_id);
        return message(2, { client_id: 'key-1' });
      },
    });
    await outbox.flush();
    expect(keys).toEqual(['key-1']);
    expect(outbox.waiting).toBe(0);
  });

  it('asks when the customer wrote meanwhile, and sends anyway without the expectation', async () => {
    serve({ 'POST /conversations/1/messages': () => refusal(409, 'conversation.stale') });
    await outbox.send(1, wanted, [], 'Me');
    expect(outbox.of(1)[0]).toMatchObject({ state: 'failed', stale: true });
    let body: { expected_seq?: number } | undefined;
    serve({
      'POST /conversations/1/messages': (b) => ((body = b as object), message(3, { client_id: 'key-1' })),
    });
    outbox.retry('key-1', true);
    await new Promise((done) => setTimeout(done));
    expect(body).toBeDefined();
    expect(body!.expected_seq).toBeUndefined();
    expect(outbox.of(1)).toHaveLength(0);
  });

  it('gives a refused text back to the composer', async () => {
    serve({ 'POST /conversations/1/messages': () => refusal(422, 'refused') });
    await outbox.send(1, wanted, [], 'Me');
    expect(outbox.of(1)[0]!.reason).toBe('No.');
    outbox.takeBack('key-1');
    expect(outbox.of(1)).toHaveLength(0);
    expect(threadOf.open(1).draft.reply).toBe('Hello');
  });
});
