import { describe, expect, it } from 'vitest';
import { bars, jump, length, thinned } from './recording';

describe('a recording', () => {
  it('tells its length', () => {
    expect([0, 5.4, 75, 3661].map(length)).toEqual(['0:00', '0:05', '1:15', '1:01:01']);
  });
  it('draws each part, silence as a line, and never beyond its box', () => {
    const path = bars([0, 50, 100], 300, 20);
    expect(path).toBe('M50.0 9.5v1.0M150.0 5.0v10.0M250.0 0.0v20.0');
    expect(bars([2, 4], 10, 20)).toContain('v4.0');
  });
  it('keeps the loudest of what it leaves out', () => {
    expect(thinned([1, 9, 2, 3, 8, 1], 3)).toEqual([9, 3, 8]);
    expect(thinned([1, 2], 3)).toEqual([1, 2]);
  });
  it('jumps by keys, within itself', () => {
    expect(jump('ArrowRight', 10, 60)).toBe(15);
    expect(jump('ArrowLeft', 3, 60)).toBe(0);
    expect(jump('PageUp', 50, 60)).toBe(60);
    expect(jump('Home', 50, 60)).toBe(0);
    expect(jump('End', 5, 60)).toBe(60);
    expect(jump('a', 5, 60)).toBeUndefined();
  });
});
