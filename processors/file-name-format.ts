/**
 * Names of output files as PvaPy's processors take them: text with fields of Python's `str.format`, such as
 * `{uniqueId:06}.{processorId}.tiff`. Only whole numbers come in, so only what Python does with those is here.
 */

/** Numbers a name may be made of. */
export type FileNameFields = Readonly<Record<'frameId' | 'uniqueId' | 'objectId', number>> & {
  /** Number of the consumer. */
  readonly processorId: number;
  /** Number of the file, from 1. */
  readonly outputFileId: number;
};

const FIELDS: readonly string[] = ['frameId', 'uniqueId', 'objectId', 'processorId', 'outputFileId'];
/** `06`, `06d`, `8x`: an optional zero, a width, an optional type. */
const SPECIFICATION = /^(0?)(\d{0,2})([dxX]?)$/;
const PIECE = /\{\{|\}\}|\{([^{}]*)\}|[^{}]+|[{}]/g;

/** So many numbers in a row may be those of other files; more are no run's, and nobody should wait longer. */
export const MAX_TAKEN = 1_000_000;

/** A format that was understood. */
export interface FileNameFormat {
  /** The name for these numbers. */
  name(fields: FileNameFields): string;
  /** Is this field part of the name? */
  uses(field: keyof FileNameFields): boolean;
  /** Ending of every name, in small letters, with its dot; empty if there is none. */
  readonly extension: string;
}

function refuse(format: string, reason: string): never {
  throw new Error(`argument outputFileNameFormat: ${JSON.stringify(format)}: ${reason}`);
}

function fieldOf(format: string, text: string): (fields: FileNameFields) => string {
  const [name = '', ...rest] = text.split(':');
  if (!FIELDS.includes(name))
    refuse(format, `{${text}} is not a field; those are ${FIELDS.map((f) => `{${f}}`).join(', ')}`);
  const match = SPECIFICATION.exec(rest.join(':'));
  if (!match) refuse(format, `'${rest.join(':')}' is no width; write for example {${name}:06}`);
  const [, zero, width = '', type] = match;
  return (fields) => {
    const n = fields[name as keyof FileNameFields];
    const digits = Math.abs(n).toString(type === 'x' || type === 'X' ? 16 : 10);
    const sign = n < 0 ? '-' : '';
    const text = type === 'X' ? digits.toUpperCase() : digits;
    // As Python: zeros go behind the sign, blanks before it.
    return zero
      ? sign + text.padStart(Number(width) - sign.length, '0')
      : (sign + text).padStart(Number(width), ' ');
  };
}

/**
 * Reads the argument `outputFileNameFormat`.
 * @throws Error in one line: not a text, an unknown field, a path instead of a name
 */
export function fileNameFormat(format: unknown): FileNameFormat {
  if (typeof format !== 'string' || format === '')
    throw new Error(
      `argument outputFileNameFormat: ${JSON.stringify(format)} is not the format of a file name`,
    );
  if (/[/\\\0]/.test(format)) refuse(format, 'a name, not a path: give the folder as outputDirectory');
  const used = new Set<string>();
  const pieces = Array.from(format.matchAll(PIECE), ([piece, field]) => {
    if (field !== undefined) {
      used.add(field.split(':')[0] ?? '');
      return fieldOf(format, field);
    }
    if (piece === '{' || piece === '}')
      refuse(format, `a single '${piece}'; write ${piece}${piece} for one in the name`);
    const text = piece === '{{' ? '{' : piece === '}}' ? '}' : piece;
    return () => text;
  });
  return {
    name: (fields) => pieces.map((piece) => piece(fields)).join(''),
    uses: (field) => used.has(field),
    extension: /[^.](\.[^.{}]*)$/.exec(format)?.[1]?.toLowerCase() ?? '',
  };
}
