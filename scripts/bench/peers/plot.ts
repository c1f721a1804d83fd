/** Bars as SVG: a panel for each load, a bar for each contender, a scale of its own for each panel. Pure. */

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly kind: 'own' | 'peer' | 'ceiling' | 'not durable';
}

const WIDTH = 760;
const NAME_WIDTH = 170;
const NUMBER_WIDTH = 90;
const BAR_HEIGHT = 16;
const BAR_STEP = 22;
const PANEL_TITLE = 30;
const MARGIN = 20;
const COLOURS = { own: '#0b6e4f', peer: '#7a8aa0', ceiling: '#d9b44a', 'not durable': '#d6dbe3' } as const;

/** The drawing, with a title and a line of explanation. */
export function barChart(title: string, caption: string, panels: readonly Panel[]): string {
  let y = MARGIN + 34;
  const parts: string[] = [text(MARGIN, MARGIN + 6, title, 'font-size="16" font-weight="600"')];
  parts.push(text(MARGIN, MARGIN + 24, caption, 'font-size="11" fill="#555"'));
  for (const panel of panels) {
    y += PANEL_TITLE;
    parts.push(text(MARGIN, y - 8, panel.title, 'font-size="13" font-weight="600"'));
    const most = Math.max(...panel.bars.map((bar) => bar.value));
    for (const bar of panel.bars) {
      parts.push(drawBar(bar, y, most));
      y += BAR_STEP;
    }
  }
  const height = y + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function drawBar({ name, value, kind }: Bar, y: number, most: number): string {
  const room = WIDTH - 2 * MARGIN - NAME_WIDTH - NUMBER_WIDTH;
  const width = Math.max(1, Math.round((value / most) * room));
  const x = MARGIN + NAME_WIDTH;
  const middle = y + BAR_HEIGHT - 4;
  return [
    text(x - 8, middle, name, 'font-size="12" text-anchor="end"'),
    `<rect x="${x}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2" fill="${COLOURS[kind]}"/>`,
    text(x + width + 6, middle, compact(value), 'font-size="12" fill="#333"'),
  ].join('\n');
}

/** 1,234,567 as `1.23 M`: three digits are what such numbers are good for. */
export function compact(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))} k`;
  return String(Number(value.toPrecision(3)));
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
