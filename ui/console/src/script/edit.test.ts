import { describe, expect, it } from 'vitest';
import { Problem } from '$lib/api';
import { bodyOf, complaints, draftOf, freshKey } from './edit';
import { confirmation } from './ready';

describe('a script being written', () => {
  it('is sent as it was read', () => {
    const body = confirmation();
    expect(bodyOf(draftOf({ name: 'x', purpose: 'confirm', active: true, body }))).toEqual(body);
  });

  it('says everything in the four languages when it is the ready one', () => {
    for (const s of confirmation().steps!) {
      for (const text of [
        s.title,
        s.say,
        ...(s.answers ?? []).map((a) => a.label),
        ...(s.fields ?? []).map((f) => f.label),
      ])
        expect(Object.keys(text).sort()).toEqual(['en', 'pl', 'ru', 'uk']);
    }
  });

  it('leaves out what an end or a step with answers doesn’t have', () => {
    const d = draftOf({ name: '', purpose: '', active: true, body: confirmation() });
    d.steps[0]!.outcome = 'settled';
    expect(bodyOf(d).steps![0]).not.toHaveProperty('outcome');
  });

  it('gives keys that aren’t taken', () => {
    expect(freshKey('step', ['step_1', 'step_2'])).toBe('step_3');
    expect(freshKey('step', ['step_3', 'hello'])).toBe('step_4');
  });

  it('tells which step a complaint is about', () => {
    const p = new Problem(422, 'invalid', '', [
      { field: 'body.steps.1', code: 'script.unreachable', message: '' },
      { field: 'body.steps.1.answers.0.to', code: 'script.no_step', message: '' },
      { field: 'body.steps.12.say', code: 'required', message: '' },
    ]);
    expect([0, 1, 2, 12].map((n) => complaints(p, n))).toEqual([0, 2, 0, 1]);
  });
});
