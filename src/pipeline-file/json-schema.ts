/** The JSON schema of pipeline files, for editors that complete and check while one writes. */
import { z } from 'zod';
import type { CommandSpec, OptionSpec } from '../cli/option-table.ts';
import { pipelineSchema, type StageCommand } from './schema.ts';

type Json = Record<string, unknown>;

/** A variable may stand for every value. */
const VARIABLE = { type: 'string', pattern: '\\$\\{' };

function optionSchema(spec: OptionSpec): Json {
  const description = spec.description;
  switch (spec.kind) {
    case 'flag':
      return { description, anyOf: [{ type: 'boolean' }, VARIABLE] };
    case 'int':
    case 'float': {
      const type = spec.kind === 'int' ? 'integer' : 'number';
      const limits = spec.minimum === undefined ? {} : { minimum: spec.minimum };
      const value = spec.choices ? { enum: spec.choices } : { type, ...limits };
      return {
        description,
        anyOf: [value, VARIABLE],
        ...(spec.default !== undefined && { default: spec.default }),
      };
    }
    case 'json':
      return { description, type: ['object', 'string'] };
    case 'string':
      if (spec.choices) return { description, anyOf: [{ enum: spec.choices }, VARIABLE] };
      return { description, type: ['string', 'number', 'array'] };
    default:
      return { description, type: ['string', 'array'] };
  }
}

/** The schema with the options of each command. */
export function pipelineJsonSchema(commands: Readonly<Record<StageCommand, CommandSpec>>): Json {
  const schema = z.toJSONSchema(pipelineSchema, { io: 'input' }) as Json;
  const stages = (schema['properties'] as Record<string, Json>)['stages'] as { items: Json };
  stages.items['allOf'] = Object.values(commands).map(({ name, options }) => ({
    if: { properties: { command: { const: name } } },
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
    then: {
      properties: {
        options: {
          additionalProperties: false,
          properties: Object.fromEntries(options.map((spec) => [spec.long.slice(2), optionSchema(spec)])),
        },
      },
    },
  }));
  return schema;
}
