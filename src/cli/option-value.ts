/**
 * From the text of an option's value to the value: numbers, words of a choice, JSON objects. The rules are those of
 * Python's argparse with `int`, `float` and `json.loads`, because users know PvaPy's commands.
 */
import { findJsonMistake } from './json-syntax.ts';
import type { JsonObject, JsonOption, NumberOption, StringOption } from './option-table.ts';

/** A value that does not fit its option; the message does not name the option, the caller does. */
export class OptionValueError extends Error {
  override readonly name = 'OptionValueError';
}

const INTEGER = /^[+-]?\d+(?:_\d+)*$/;
const FLOAT = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

function parseInteger(text: string): number {
  const trimmed = text.trim();
  const value = Number(trimmed.replaceAll('_', ''));
  if (!INTEGER.test(trimmed) || !Number.isSafeInteger(value)) {
    throw new OptionValueError(`invalid int value: '${text}'`);
  }
  return value;
}

function parseFloatingPoint(text: string): number {
  const trimmed = text.trim();
  const infinite = INFINITE.exec(trimmed);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  if (!FLOAT.test(trimmed)) throw new OptionValueError(`invalid float value: '${text}'`);
  return Number(trimmed.replaceAll('_', ''));
}

function parseNumber(spec: NumberOption, text: string): number {
  const value = spec.kind === 'int' ? parseInteger(text) : parseFloatingPoint(text);
  if (spec.choices !== undefined && !spec.choices.includes(value)) {
    throw new OptionValueError(`invalid choice: ${text} (choose from ${spec.choices.join(', ')})`);
  }
  if (spec.minimum !== undefined && value < spec.minimum) {
    throw new OptionValueError(`must be at least ${spec.minimum}, not ${text}`);
  }
  return value;
}

function parseText(spec: StringOption, text: string): string {
  if (spec.choices === undefined) return text;
  const { aliases = {}, notOffered = {} } = spec;
  const wanted = ((Object.hasOwn(aliases, text) && aliases[text]) || text).toLowerCase();
  const choice = spec.choices.find((candidate) => candidate.toLowerCase() === wanted);
  if (choice === undefined) {
    const instead = Object.hasOwn(notOffered, wanted) ? `: ${notOffered[wanted]}` : '';
    throw new OptionValueError(
      `invalid choice: '${text}' (choose from ${spec.choices.join(', ')})${instead}`,
    );
  }
  return choice;
}

function parseJsonObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const mistake = findJsonMistake(text);
    const place = mistake === undefined ? '' : ` at position ${mistake.position} (${mistake.message})`;
    throw new OptionValueError(`invalid JSON${place}: ${text}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OptionValueError(`must be a JSON object such as '{"x": 1}', not ${text}`);
  }
  return value as JsonObject;
}

/**
 * The value of an option from its text.
 * @throws OptionValueError if the text does not fit the option's kind, choices or minimum.
 */
export function parseOptionValue(
  spec: NumberOption | StringOption | JsonOption,
  text: string,
): number | string | JsonObject {
  switch (spec.kind) {
    case 'int':
    case 'float':
      return parseNumber(spec, text);
    case 'string':
      return parseText(spec, text);
    case 'json':
      return parseJsonObject(text);
  }
}
