/** Reads the sessions of messages.txt; its header describes the layout. */
import { readFileSync } from 'node:fs';
import { fromHex } from '../support/hex.ts';

export interface GoldenMessage {
  readonly from: 'S' | 'C';
  readonly bytes: Buffer;
}

export interface GoldenSession {
  readonly title: string;
  /** Section of the protocol reference, and where the bytes come from. */
  readonly source: string;
  readonly messages: readonly GoldenMessage[];
}

export function readSessions(): GoldenSession[] {
  const text = readFileSync(new URL('./messages.txt', import.meta.url), 'utf8');
  const sessions: GoldenSession[] = [];
  for (const block of text.split(/^== /m).slice(1)) {
    const [head, ...lines] = block.split('\n');
    const [title, source] = (head as string).split(' | ');
    if (!title || !source) throw new Error(`messages.txt: cannot understand '${head}'`);
    const messages: { from: 'S' | 'C'; hex: string }[] = [];
    for (const line of lines) {
      if (line === 'S' || line === 'C') messages.push({ from: line, hex: '' });
      else if (line.startsWith('    ')) (messages[messages.length - 1] as { hex: string }).hex += line;
      else if (line !== '') throw new Error(`messages.txt: cannot understand '${line}' in '${title}'`);
    }
    sessions.push({
      title,
      source,
      messages: messages.map((m) => ({ from: m.from, bytes: fromHex(m.hex) })),
    });
  }
  return sessions;
}
