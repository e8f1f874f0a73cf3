/** Bytes as people write them in documents: hex pairs with blanks. */

/** @throws Error on anything that is not hex pairs and blanks */
export function fromHex(text: string): Buffer {
  const digits = text.replace(/\s+/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`not hex bytes: '${text}'`);
  return Buffer.from(digits, 'hex');
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ');
}
