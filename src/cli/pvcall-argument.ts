/**
 * From the words `name=value` of `pvcall` to the argument of the call, an NTURI (EPICS base pvcall.cpp): a value is a
 * string, `[...]` an array of strings, `{...}` a structure with the types JSON gives.
 */
import { NTURI, PvaError, type Value } from 'epics-pva-ts';
import { CommandExit } from './command-exit.ts';
import { type ExactJson, JsonTextError, parseExactJson } from './exact-json.ts';

/** How deep NTURI nests what JSON gave: only what pvData has types for. */
function plain(json: ExactJson): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([name, v]) => [name, plain(v)]));
}

function argumentValue(text: string): unknown {
  if (text.startsWith('[') && text.endsWith(']')) {
    const list = parseExactJson(text, { scalarsAsText: true }) as ExactJson[];
    const nested = list.find((element) => typeof element !== 'string');
    if (nested === undefined) return list;
    throw new JsonTextError('an array holds numbers or strings');
  }
  return text.startsWith('{') && text.endsWith('}') ? plain(parseExactJson(text)) : text;
}

/**
 * The NTURI of a call: every word an argument, in their order.
 *
 * @throws CommandExit in the words of EPICS base, with the reason
 */
export function callArgument(path: string, words: readonly string[], scheme: string): Value {
  const query: Record<string, unknown> = Object.create(null);
  const wrong = (word: string, why: string): CommandExit =>
    new CommandExit(1, { stderr: `Error parsing argument '${word}': ${why}\n` });
  for (const word of words) {
    const at = word.indexOf('=');
    if (at <= 0) throw wrong(word, at < 0 ? "there is no '='" : 'there is no name');
    const name = word.slice(0, at);
    if (name in query) throw wrong(word, `'${name}' was given before`);
    try {
      query[name] = argumentValue(word.slice(at + 1));
    } catch (error) {
      if (!(error instanceof JsonTextError)) throw error;
      throw wrong(word, error.message);
    }
  }
  try {
    return NTURI.create(path, Object.fromEntries(Object.entries(query)), { scheme });
  } catch (error) {
    if (!PvaError.isPvaError(error)) throw error;
    throw new CommandExit(1, { stderr: `Error: ${error.message}\n` });
  }
}
