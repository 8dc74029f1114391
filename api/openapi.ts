import { z } from 'zod';
import type { Command, ResponseFields } from './command.js';
import { CLOUDSTACK_VERSION } from './commands/list-capabilities.js';
import type { Param } from './params.js';
import type { Registry } from './registry.js';

type Schema = Record<string, unknown>;

const INPUT: Readonly<Record<Param['type'], Schema>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  integer: { type: 'integer', format: 'int32' },
  long: { type: 'integer', format: 'int64' },
  uuid: { type: 'string' },
  date: { type: 'string' },
  list: { type: 'string', description: 'comma-separated' },
  map: { type: 'string' },
};

const OUTPUT: Readonly<Record<string, Schema>> = {
  integer: { type: 'integer' },
  long: { type: 'integer' },
  boolean: { type: 'boolean' },
  map: { type: 'object', additionalProperties: true },
  responseobject: { type: 'object', additionalProperties: true },
};

const objectSchema = (fields: ResponseFields): Schema => ({
  type: 'object',
  properties: Object.fromEntries(
    Object.entries(fields).map(([name, { type, description, fields: nested }]) => {
      const inner = nested ? objectSchema(nested) : { type: type === 'list' || type === 'set' ? 'object' : 'string' };
      const schema =
        OUTPUT[type] ?? (type === 'list' || type === 'set' ? { type: 'array', items: nested ? inner : {} } : inner);
      return [name, { ...schema, description }];
    }),
  ),
});

function requestSchema(command: Command): Schema {
  const plain = Object.entries(command.params).filter(([, param]) => param.type !== 'map');
  const maps = Object.entries(command.params).filter(([, param]) => param.type === 'map');
  return {
    type: 'object',
    description: command.description,
    properties: {
      command: { const: command.name },
      response: { enum: ['json', 'xml'], default: 'xml' },
      ...Object.fromEntries(
        plain.map(([name, param]) => [
          name,
          {
            ...INPUT[param.type],
            description: param.description,
            ...(param.type === 'string' && { maxLength: param.length }),
          },
        ]),
      ),
    },
    patternProperties: Object.fromEntries(
      maps.map(([name, param]) => [`^${name}\\[\\d+\\]\\..+$`, { type: 'string', description: param.description }]),
    ),
    required: ['command', ...Object.entries(command.params).flatMap(([name, param]) => (param.required ? [name] : []))],
    additionalProperties: true,
  };
}

function answerSchema(command: Command): Schema {
  const { response, isList, name } = command;
  const key = response === 'success' ? '' : response.key;
  const bare = ['queryAsyncJobResult', 'login', 'logout'].includes(name);
  let content: Schema = {
    type: 'object',
    properties: { success: { type: 'boolean' }, displaytext: { type: 'string' } },
  };
  if (command.isAsync) content = { type: 'object', properties: { jobid: { type: 'string' }, id: { type: 'string' } } };
  else if (response !== 'success' && bare) content = objectSchema(response.fields);
  else if (response !== 'success' && isList)
    content = {
      type: 'object',
      properties: { count: { type: 'integer' }, [key]: { type: 'array', items: objectSchema(response.fields) } },
    };
  else if (response !== 'success') content = { type: 'object', properties: { [key]: objectSchema(response.fields) } };
  return {
    type: 'object',
    description: name,
    properties: { [`${name.toLowerCase()}response`]: content },
    additionalProperties: false,
  };
}

const ERROR = z.toJSONSchema(
  z.record(
    z.string(),
    z.object({
      uuidList: z.array(z.unknown()),
      errorcode: z.int(),
      cserrorcode: z.int().optional(),
      errortext: z.string(),
    }),
  ),
);

/** The OpenAPI document. All commands share one path; the parameter `command` tells them apart. */
export function openApi(registry: Registry): Schema {
  const commands = registry.all();
  const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
  const oneOf = commands.map(({ name }) => reference(`${name}Request`));
  const mapping = Object.fromEntries(commands.map(({ name }) => [name, `#/components/schemas/${name}Request`]));
  const responses = {
    200: {
      description: 'The answer',
      content: { 'application/json': { schema: { oneOf: commands.map(({ name }) => reference(`${name}Response`)) } } },
    },
    default: {
      description: 'An error; its code is also the HTTP status',
      content: { 'application/json': { schema: reference('Error') } },
    },
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'CloudStack Kubernetes Service',
      version: CLOUDSTACK_VERSION,
      description:
        'Requests are signed (apiKey, signature) or carry a session (login). See docs/reference/commands.md.',
    },
    paths: {
      '/client/api': {
        get: {
          operationId: 'call',
          parameters: [{ name: 'parameters', in: 'query', style: 'form', explode: true, schema: { oneOf } }],
          responses,
        },
        post: {
          operationId: 'callByForm',
          requestBody: {
            content: {
              'application/x-www-form-urlencoded': {
                schema: { oneOf, discriminator: { propertyName: 'command', mapping } },
              },
            },
          },
          responses,
        },
      },
    },
    components: {
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'query', name: 'apiKey' },
        session: { type: 'apiKey', in: 'cookie', name: 'JSESSIONID' },
      },
      schemas: {
        Error: ERROR,
        ...Object.fromEntries(commands.map((each) => [`${each.name}Request`, requestSchema(each)])),
        ...Object.fromEntries(commands.map((each) => [`${each.name}Response`, answerSchema(each)])),
      },
    },
  };
}
