// The letter that an agent is writing: to whom it goes, and what the server says of it before it is sent.
import { inbox, type AnswerCheck, type Envelope, type Id, type Message } from '$lib/api';
import type { LetterDraft, Thread } from '$lib/live/threads.svelte';
import { valid } from './addresses';
import type { Answering } from './answering';

const nothing: AnswerCheck = { questions: [], refused: [], new: [] };
const pauseMs = 500;
const patienceMs = 1500;
const speaksOfFile =
  /\b(?:attach(?:ed|ment|ing)?|enclosed)\b|(?:у|в|до) (?:вкладенн|додатк|приложени|вложени)|(?:прикріпл|прикрепл|додаю файл|прилага|załącz|w załączeniu)/iu;

export class Writing {
  envelope = $state.raw<Envelope>();
  check = $state.raw<AnswerCheck>(nothing);
  /** The agent has been told what is left open and may send all the same. */
  warned = $state(false);
  private chosen = $state<Answering>();
  private asked = '';
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | undefined;
  private stop: AbortController | undefined;

  constructor(readonly thread: Thread) {}

  get how(): Answering {
    if (this.thread.draft.letter?.forward) return 'forward';
    return this.chosen ?? (this.envelope && this.envelope.cc.length > 0 ? 'all' : 'reply');
  }
  get letter(): LetterDraft {
    const e = this.envelope;
    return (
      this.thread.draft.letter ?? {
        to: e?.to ?? [],
        cc: this.how === 'all' ? (e?.cc ?? []) : [],
        bcc: [],
        subject: '',
        forward: 0,
      }
    );
  }
  get ready(): boolean {
    const { to, cc, bcc } = this.letter;
    return to.length > 0 && [...to, ...cc, ...bcc].every(valid);
  }
  get open(): number {
    return this.check.questions.filter((q) => !q.answered).length;
  }

  change(part: Partial<LetterDraft>): void {
    this.thread.draft.letter = { ...this.letter, ...part };
  }

  async load(message: Id = 0): Promise<void> {
    try {
      this.envelope = await inbox.envelope(this.thread.id, message);
    } catch {
      // then it goes to who wrote last: the server knows
    }
  }

  /** Turns to another kind of letter, perhaps about a certain one. */
  async turn(how: Answering, about?: Message): Promise<void> {
    this.chosen = how;
    if (how === 'forward') {
      const message =
        about ?? this.thread.messages.findLast((m) => m.from === 'customer' && m.kind === 'reply');
      if (message) this.thread.draft.letter = { to: [], cc: [], bcc: [], subject: '', forward: message.id };
      return;
    }
    await this.load(about?.id);
    const e = this.envelope;
    this.thread.draft.letter = about
      ? { to: e?.to ?? [], cc: how === 'all' ? (e?.cc ?? []) : [], bcc: [], subject: '', forward: 0 }
      : undefined;
  }

  /** Asks about what is written once it rests. */
  look(body: string): void {
    const key = this.key(body);
    if (key === this.asked) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(body), pauseMs);
  }

  /** The check of exactly this, as far as it comes in time. */
  async settled(body: string): Promise<void> {
    clearTimeout(this.timer);
    if (this.key(body) !== this.asked) void this.ask(body);
    await Promise.race([this.running, new Promise((r) => setTimeout(r, patienceMs))]);
  }

  forgot(body: string, files: number): boolean {
    return files === 0 && this.how !== 'forward' && speaksOfFile.test(body);
  }

  /** What goes along with the message. */
  fields(): { to: string[]; cc: string[]; bcc: string[]; subject?: string; forward?: Id } {
    const { to, cc, bcc, subject, forward } = this.letter;
    return {
      to,
      cc,
      bcc,
      ...(subject.trim() ? { subject: subject.trim() } : {}),
      ...(forward ? { forward } : {}),
    };
  }

  sent(): void {
    clearTimeout(this.timer);
    this.stop?.abort();
    this.thread.draft.letter = undefined;
    this.chosen = undefined;
    this.warned = false;
    this.check = nothing;
    this.asked = '';
  }

  private key(body: string): string {
    const { to, cc, bcc } = this.letter;
    return JSON.stringify([body, to, cc, bcc]);
  }

  private ask(body: string): Promise<void> {
    this.asked = this.key(body);
    this.stop?.abort();
    const stop = (this.stop = new AbortController());
    const { to, cc, bcc } = this.letter;
    const good = (list: string[]) => list.filter(valid);
    this.running = inbox
      .check(this.thread.id, { body, to: good(to), cc: good(cc), bcc: good(bcc) }, stop.signal)
      .then(
        (answer) => {
          if (stop.signal.aborted) return;
          const left = (c: AnswerCheck) =>
            c.questions
              .filter((q) => !q.answered)
              .map((q) => q.text)
              .join('\n');
          if (left(answer) !== left(this.check)) this.warned = false;
          this.check = answer;
        },
        () => {
          if (!stop.signal.aborted) this.asked = '';
        },
      );
    return this.running;
  }
}
