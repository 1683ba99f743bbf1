// How well text can be read on a colour, by WCAG.

function luminance(hex: string): number {
  const n = parseInt(hex.slice(1), 16);
  const [r, g, b] = [n >> 16, (n >> 8) & 255, n & 255].map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** White or near-black, whichever reads better on the colour, and how well. */
export function inkOn(color: string): { ink: string; ratio: number } {
  const white = contrast(color, '#ffffff');
  const black = contrast(color, '#111827');
  return white >= 4.5 || white >= black ? { ink: '#ffffff', ratio: white } : { ink: '#111827', ratio: black };
}
