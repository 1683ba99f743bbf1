// Rows and messages for tests, as plain as they can be.
import type { ConversationRow, Message } from '$lib/api';

const at = '2026-01-01T10:00:00Z';

export const row = (id: number, part: Partial<ConversationRow> = {}): ConversationRow => ({
  id,
  store_id: 1,
  number: id,
  version: 1,
  status: 'open',
  channel: 'chat',
  subject: '',
  preview: '',
  preview_from: 'customer',
  customer: { id: 1, name: 'Customer', initials: 'C' },
  assignee: null,
  queue_id: 1,
  team_id: 0,
  priority: 1,
  tags: [],
  topic: '',
  unread: 0,
  last_seq: 1,
  last_message_at: at,
  waiting_since_at: null,
  created_at: at,
  snoozed_until: null,
  deadline_at: null,
  ...part,
});

export const message = (seq: number, part: Partial<Message> = {}): Message => ({
  id: 100 + seq,
  conversation_id: 1,
  seq,
  kind: 'reply',
  from: 'customer',
  author: null,
  body: `message ${seq}`,
  html: null,
  attachments: [],
  client_id: '',
  delivery: null,
  created_at: at,
  system: null,
  ...part,
});

/** Answers fetch by a table of "METHOD path" -> answer; a number is a refusal with that status. */
export function serve(routes: Record<string, (body: unknown, url: URL) => unknown>): string[] {
  const asked: string[] = [];
  globalThis.fetch = async (input, init = {}) => {
    const url = new URL(String(input), 'http://desk.test');
    const name = `${init.method ?? 'GET'} ${url.pathname.replace('/api/v1', '')}`;
    asked.push(name);
    const answer = routes[name]?.(init.body ? JSON.parse(String(init.body)) : undefined, url);
    if (answer instanceof Error) throw answer;
    if (answer instanceof Response) return answer;
    return answer === undefined ? new Response(null, { status: 204 }) : Response.json(answer);
  };
  return asked;
}
