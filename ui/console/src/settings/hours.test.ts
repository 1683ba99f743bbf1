import { describe, expect, it } from 'vitest';
import type { Calendar } from './api';
import { clock, standing } from './hours';

const kyiv = (week: Calendar['week'], holidays: Calendar['holidays'] = []): Calendar => ({
  zone: 'Europe/Kyiv',
  week,
  holidays,
});
const day = [{ from: '09:00', to: '18:00' }];
const week = { mon: day, tue: day, wed: day, thu: day, fri: day };
const at = (local: string) => Date.parse(local + '+02:00'); // winter in Kyiv

describe('standing', () => {
  it('is open within the hours, until their end', () => {
    const s = standing(kyiv(week), at('2026-11-23T10:00'));
    expect(s).toEqual({ open: true, next: { date: '2026-11-23', minute: 18 * 60 } });
  });
  it('opens on Monday after a weekend', () => {
    const s = standing(kyiv(week), at('2026-11-21T10:00'));
    expect(s).toEqual({ open: false, next: { date: '2026-11-23', minute: 9 * 60 } });
  });
  it('is closed on a holiday, dated over yearly', () => {
    expect(standing(kyiv(week, [{ date: '11-23' }]), at('2026-11-23T10:00')).open).toBe(false);
    expect(
      standing(kyiv(week, [{ date: '2026-11-23', hours: day }, { date: '11-23' }]), at('2026-11-23T10:00'))
        .open,
    ).toBe(true);
  });
  it('knows a yearly holiday over New Year', () => {
    const s = standing(kyiv(week, [{ date: '12-31', until: '01-02' }]), at('2026-12-31T12:00'));
    expect(s).toEqual({ open: false, next: { date: '2027-01-04', minute: 9 * 60 } });
  });
  it('runs past midnight', () => {
    const night = kyiv({ mon: [{ from: '20:00', to: '02:00' }] });
    const s = standing(night, at('2026-11-24T01:00'));
    expect(s).toEqual({ open: true, next: { date: '2026-11-24', minute: 120 } });
  });
  it('never closes when it is always open', () => {
    expect(standing({ zone: 'UTC', always: true }, at('2026-11-24T01:00'))).toEqual({
      open: true,
      next: undefined,
    });
  });
  it('joins spans that touch', () => {
    const s = standing(
      kyiv({
        mon: [
          { from: '09:00', to: '13:00' },
          { from: '13:00', to: '18:00' },
        ],
      }),
      at('2026-11-23T10:00'),
    );
    expect(s.next && clock(s.next.minute)).toBe('18:00');
  });
  it('never opens without hours', () => {
    expect(standing(kyiv({}), at('2026-11-23T10:00'))).toEqual({ open: false, next: undefined });
  });
});
