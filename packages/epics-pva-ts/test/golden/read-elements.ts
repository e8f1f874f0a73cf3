/** Reads the vectors of elements.txt; its header describes the layout. */
import { readFileSync } from 'node:fs';
import { fromHex } from '../support/hex.ts';

export interface ElementVector {
  readonly number: number;
  readonly kind: string;
  readonly order: 'LE' | 'BE' | 'any';
  readonly meaning: string;
  /** Where the bytes come from. */
  readonly source: string;
  readonly bytes: Buffer;
}

export function readElements(): ElementVector[] {
  const text = readFileSync(new URL('./elements.txt', import.meta.url), 'utf8');
  const vectors: ElementVector[] = [];
  for (const block of text.split(/\n\s*\n/)) {
    const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const [head, ...hex] = lines;
    if (head === undefined) continue;
    const [number, kind, order, meaning, source, ...more] = head.split(' | ');
    if (
      !kind ||
      !meaning ||
      !source ||
      more.length > 0 ||
      (order !== 'LE' && order !== 'BE' && order !== 'any')
    )
      throw new Error(`elements.txt: cannot understand '${head}'`);
    vectors.push({ number: Number(number), kind, order, meaning, source, bytes: fromHex(hex.join(' ')) });
  }
  return vectors;
}
