// A script while it is written: every part is there so that a form can hold it, and what is empty is left out when it is sent.
import { Problem } from '$lib/api';
import type { Body, Choice, Effect, Field, Script, ScriptInput, Step, Text } from './api';

export interface EffectDraft {
  kind: string;
  field: string;
  value: string;
  text: string;
  minutes: number | null;
  at: string;
  department_id: number;
}
export interface FieldDraft {
  key: string;
  label: Text;
  kind: Field['kind'];
  required: boolean;
  choices: string;
  /** What the values are called, where they are called anything. */
  labels: Record<string, Text>;
  target: string;
}
export interface ChoiceDraft {
  key: string;
  label: Text;
  to: string;
  effects: EffectDraft[];
}
export interface StepDraft {
  key: string;
  title: Text;
  say: Text;
  hint: Text;
  fields: FieldDraft[];
  answers: ChoiceDraft[];
  outcome: string;
  effects: EffectDraft[];
}
export interface ScriptDraft {
  name: string;
  purpose: string;
  active: boolean;
  start: string;
  steps: StepDraft[];
}

export const fieldKinds = ['text', 'long', 'number', 'date', 'time', 'phone', 'choice', 'yes_no'] as const;
export const effectKinds = [
  'task',
  'callback',
  'order_note',
  'order_status',
  'order_cancel',
  'tag',
  'customer',
] as const;
export const customerFields = ['note', 'birthday', 'language', 'preferred_channel', 'do_not_call'] as const;
export const targets = [
  '',
  'order.note',
  'customer.note',
  'customer.birthday',
  'customer.language',
  'customer.preferred_channel',
] as const;
export const names = [
  'customer.first_name',
  'customer.name',
  'order.number',
  'order.total',
  'order.items',
  'order.stage',
  'store.name',
  'agent.name',
] as const;

export const emptyEffect = (): EffectDraft => ({
  kind: 'task',
  field: 'note',
  value: '',
  text: '',
  minutes: null,
  at: '',
  department_id: 0,
});
const texts = (t?: Text): Text => ({ en: '', uk: '', ru: '', pl: '', ...t });
const effect = (e: Effect): EffectDraft => ({
  ...emptyEffect(),
  ...e,
  field: e.field ?? 'note',
  minutes: e.minutes ?? null,
});
const choice = (c: Choice): ChoiceDraft => ({
  key: c.key,
  label: texts(c.label),
  to: c.to,
  effects: (c.effects ?? []).map(effect),
});
const field = (f: Field): FieldDraft => ({
  key: f.key,
  label: texts(f.label),
  kind: f.kind,
  required: f.required ?? false,
  choices: (f.choices ?? []).map((o) => o.value).join('\n'),
  labels: Object.fromEntries((f.choices ?? []).map((o) => [o.value, o.label])),
  target: f.target ?? '',
});
const step = (s: Step): StepDraft => ({
  key: s.key,
  title: texts(s.title),
  say: texts(s.say),
  hint: texts(s.hint),
  fields: (s.fields ?? []).map(field),
  answers: (s.answers ?? []).map(choice),
  outcome: s.outcome ?? '',
  effects: (s.effects ?? []).map(effect),
});

/** What the form holds of a script. */
export function draftOf(s: Pick<Script, 'name' | 'purpose' | 'active' | 'body'>): ScriptDraft {
  return {
    name: s.name,
    purpose: s.purpose,
    active: s.active,
    start: s.body.start,
    steps: (s.body.steps ?? []).map(step),
  };
}

/** A key that isn't taken: step_3 after step_2. */
export function freshKey(base: string, taken: string[]): string {
  let n = taken.length + 1;
  while (taken.includes(`${base}_${n}`)) n++;
  return `${base}_${n}`;
}

export function emptyStep(key: string): StepDraft {
  return {
    key,
    title: texts(),
    say: texts(),
    hint: texts(),
    fields: [],
    answers: [],
    outcome: 'settled',
    effects: [],
  };
}
export const emptyField = (key: string): FieldDraft => ({
  key,
  label: texts(),
  kind: 'text',
  required: false,
  choices: '',
  labels: {},
  target: '',
});
export const emptyChoice = (key: string, to: string): ChoiceDraft => ({
  key,
  label: texts(),
  to,
  effects: [],
});

const said = (t: Text): Text => Object.fromEntries(Object.entries(t).filter(([, v]) => v.trim()));
const effectSent = (e: EffectDraft): Effect => ({
  kind: e.kind as Effect['kind'],
  ...(e.kind === 'customer' ? { field: e.field } : {}),
  ...(e.kind !== 'order_note' && e.kind !== 'order_cancel' ? { value: e.value } : { text: e.text }),
  ...(e.minutes && (e.kind === 'callback' || e.kind === 'task') ? { minutes: e.minutes } : {}),
  ...(e.at && e.kind === 'callback' ? { at: e.at } : {}),
  ...(e.department_id && e.kind === 'task' ? { department_id: e.department_id } : {}),
});

/** The body as it is sent. An end has no answers and a step with answers no outcome. */
export function bodyOf(d: ScriptDraft): Body {
  return {
    start: d.start,
    steps: d.steps.map((s) => ({
      key: s.key,
      title: said(s.title),
      say: said(s.say),
      hint: said(s.hint),
      fields: s.fields.map((f) => ({
        key: f.key,
        label: said(f.label),
        kind: f.kind,
        required: f.required,
        target: f.target,
        choices:
          f.kind === 'choice'
            ? f.choices
                .split('\n')
                .map((v) => v.trim())
                .filter(Boolean)
                .map((value) => ({ value, label: f.labels[value] ?? {} }))
            : [],
      })),
      answers: s.answers.map((c) => ({
        key: c.key,
        label: said(c.label),
        to: c.to,
        effects: c.effects.map(effectSent),
      })),
      ...(s.answers.length ? {} : { outcome: s.outcome, effects: s.effects.map(effectSent) }),
    })),
  };
}

export const inputOf = (d: ScriptDraft): ScriptInput => ({
  name: d.name.trim(),
  purpose: d.purpose,
  active: d.active,
  body: bodyOf(d),
});

/** How many of the server's complaints are about a step. */
export function complaints(problem: unknown, index: number): number {
  if (!(problem instanceof Problem)) return 0;
  const place = `body.steps.${index}`;
  return problem.errors.filter((e) => e.field === place || e.field.startsWith(place + '.')).length;
}
