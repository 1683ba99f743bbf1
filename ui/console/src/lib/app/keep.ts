// Small things this browser remembers: pane widths, the chosen store. Losing them harms nobody.

export function recall<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem('opeka.' + name);
    if (text === null) return otherwise;
    return (typeof otherwise === 'string' ? text : JSON.parse(text)) as T;
  } catch {
    return otherwise;
  }
}

export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem('opeka.' + name, typeof value === 'string' ? value : JSON.stringify(value));
  } catch {
    // private mode or a full disk
  }
}
