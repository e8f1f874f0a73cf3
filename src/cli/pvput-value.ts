/**
 * From the words behind the channel's name of `pvput` to the structure to send: a value, an array, field=value pairs
 * or JSON, by the rules of EPICS base (pva-protocol.md 9.2; pvAccessCPP's pvput, tried). Where base puts something
 * else than was asked for, or ends well after a mistake, this refuses: docs/reference/pvtools.md lists all of it.
 */
import { NoConvertError, type ScalarKind, type TypeDef, Value } from 'epics-pva-ts';
import { type ExactJson, JsonTextError, parseExactJson } from './exact-json.ts';
import { parseScalarText } from './scalar-text.ts';

type JsonMap = { readonly [key: string]: ExactJson };

interface Pair {
  readonly path: string;
  readonly text: string;
}

interface Words {
  readonly bare: string[];
  readonly pairs: Pair[];
}

/** How the words of one command line become a value. */
export interface PutSource {
  readonly words: readonly string[];
  /** The channel's present value; without it an enum cannot be put by its label. */
  readonly present: Value | undefined;
  /** Something is left out of the put. */
  warn(line: string): void;
}

/**
 * The structure to send, with what is to be put marked.
 * @throws NoConvertError, NoFieldError: nothing is to be put
 */
export function valueToPut(type: TypeDef, source: PutSource): Value {
  const value = Value.create(type);
  const { bare, pairs } = splitWords(type, source);
  if (bare.length > 0 && pairs.length > 0)
    throw new NoConvertError("Can't mix bare values and field=value pairs");
  const [first] = bare;
  if (first === undefined && pairs.length === 0) throw new NoConvertError('No valid value(s) specified');
  if (bare.length === 1 && first?.startsWith('{')) assign(value, parse(first), source.present);
  else if (bare.length === 1 && first?.startsWith('['))
    putField(value, { path: 'value', text: first }, source);
  else if (bare.length > 0) putBare(value, bare, source);
  for (const pair of pairs) putField(value, pair, source);
  return value;
}

/** A word is a pair if there is a field of that name. JSON may hold a `=` like any other character. */
function splitWords(type: TypeDef, { words, warn }: PutSource): Words {
  const bare: string[] = [];
  const pairs: Pair[] = [];
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 0 || /^[[{]/.test(word)) {
      bare.push(word);
      continue;
    }
    const path = word.slice(0, at);
    if (path !== '' && type.find(path)) pairs.push({ path, text: word.slice(at + 1) });
    else if (type.member('value')?.kind === 'string') bare.push(word);
    else warn(`${path} : Warning: no such field. Ignoring it.`);
  }
  return { bare, pairs };
}

function isScalar(type: TypeDef): boolean {
  return type.kind !== 'struct' && type.kind !== 'union' && type.kind !== 'any';
}

function isEnum(type: TypeDef): boolean {
  return type.kind === 'struct' && !type.isArray && type.member('index') !== undefined && isChoices(type);
}

function isChoices(type: TypeDef): boolean {
  return type.member('choices')?.displayId === 'string[]';
}

function putBare(value: Value, words: readonly string[], source: PutSource): void {
  const type = value.type.member('value');
  if (!type) throw new NoConvertError('Structure has no .value');
  const scalar = isScalar(type);
  if (scalar && type.isArray) {
    // The number of elements, as caput wants it: not needed and not looked at.
    const [, ...elements] = words;
    value.set(
      'value',
      elements.map((text) => parseScalarText(type.kind as ScalarKind, text)),
    );
    return;
  }
  const one = (what: string): string => {
    if (words.length > 1) throw new NoConvertError(`Can't assign multiple values to ${what}`);
    return words[0] as string;
  };
  if (scalar) value.set('value', parseScalarText(type.kind as ScalarKind, one('scalar')));
  else if (isEnum(type)) value.set('value.index', enumIndex(one('enum'), 'value', source.present));
  else throw new NoConvertError(`Don't know how to set field .value, which is ${type.displayId}`);
}

function putField(value: Value, { path, text }: Pair, { present }: PutSource): void {
  const type = value.type.find(path)?.type;
  if (!type) throw new NoConvertError(`Structure has no .${path}`);
  if (text.startsWith('[')) putList(value, path, type, text);
  else if (text.startsWith('{') && !type.isArray && type.kind === 'struct')
    assign(value.get(path) as Value, parse(text), present && (present.get(path) as Value), `${path}.`);
  else if (isScalar(type) && !type.isArray) value.set(path, parseScalarText(type.kind as ScalarKind, text));
  else if (isEnum(type)) value.set(`${path}.index`, enumIndex(text, path, present));
  else throw new NoConvertError(`${path}: need a scalar field, and this is ${type.displayId}`);
}

function putList(value: Value, path: string, type: TypeDef, text: string): void {
  if (!type.isArray) throw new NoConvertError(`Not a scalar array field: ${path} is ${type.displayId}`);
  if (!isScalar(type)) {
    value.set(path, parse(text));
    return;
  }
  const list = parse(text, true) as ExactJson[];
  const elements = list.map((element) => {
    if (typeof element === 'string') return parseScalarText(type.kind as ScalarKind, element);
    throw new NoConvertError(`${path} takes a plain list of values`);
  });
  value.set(path, elements);
}

function parse(text: string, scalarsAsText = false): ExactJson {
  try {
    return parseExactJson(text, { scalarsAsText });
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    throw new NoConvertError(error.message);
  }
}

/** Sets the fields a JSON map names; other fields are not part of the put. `at` is where the map stands, for errors. */
function assign(target: Value, json: ExactJson, present: Value | undefined, at = ''): void {
  for (const [name, v] of Object.entries(json as JsonMap)) {
    const type = target.type.find(name)?.type;
    const path = at + name;
    const isMap = typeof v === 'object' && v !== null && !Array.isArray(v);
    if (type?.kind !== 'struct' || type.isArray) setNamed(target, name, v, path);
    else if (isMap) assign(target.get(name) as Value, v, present && (present.get(name) as Value), `${path}.`);
    else if (isEnum(type) && (typeof v === 'string' || typeof v === 'bigint'))
      target.set(`${name}.index`, enumIndex(String(v), name, present));
    else throw new NoConvertError(`Can't assign value: ${path} is ${type.displayId}, which takes a JSON map`);
  }
}

/** A map holds many fields: what cannot be converted is told with the field it was for. */
function setNamed(target: Value, name: string, v: ExactJson, path: string): void {
  try {
    target.set(name, v);
  } catch (error) {
    if (!(error instanceof NoConvertError)) throw error;
    throw new NoConvertError(`${path}: ${error.message}`);
  }
}

/** A label counts first, as in EPICS base; labels may look like numbers. */
function enumIndex(text: string, path: string, present: Value | undefined): number | bigint {
  const choices = present?.tryGet(`${path}.choices`);
  const at = Array.isArray(choices) ? (choices as string[]).indexOf(text) : -1;
  if (at >= 0) return at;
  try {
    return parseScalarText('int', text) as bigint;
  } catch (error) {
    if (!Array.isArray(choices) || choices.length === 0) throw error;
    throw new NoConvertError(`${(error as Error).message}; the choices are: ${choices.join(', ')}`);
  }
}
