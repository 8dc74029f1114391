import {
  fields,
  isAsync,
  responseObject,
  type Command,
  type Fields,
  type ResponseFields,
  type Role,
} from '../command.js';
import type { Registry } from '../registry.js';
import { ENTITIES } from '../wire/entities.js';

const RESPONSE_FIELD = fields({
  name: ['string', 'the name of the api response field'],
  description: ['string', 'description of the api response field'],
  type: ['string', 'response field type'],
  response: ['set', 'api response fields'],
});

export const API = responseObject('api', {
  name: ['string', 'the name of the api command'],
  description: ['string', 'description of the api'],
  since: ['string', 'version of CloudStack the api was introduced in'],
  isasync: ['boolean', 'true if api is asynchronous'],
  related: ['string', 'comma separated related apis'],
  params: [
    'set',
    'the list params the api accepts',
    fields({
      name: ['string', 'the name of the api parameter'],
      description: ['string', 'description of the api parameter'],
      type: ['string', 'parameter type'],
      length: ['integer', 'length of the parameter'],
      required: ['boolean', 'true if this parameter is required for the api request'],
      since: ['string', 'version of CloudStack the parameter was introduced in'],
      related: ['string', 'comma separated related apis to get the parameter'],
    }),
  ],
  response: ['set', 'api response fields', RESPONSE_FIELD],
});

const responseViews = (declared: ResponseFields): Fields[] =>
  Object.entries(declared).map(([name, field]) => ({
    name,
    description: field.description,
    type: field.type,
    ...(field.fields && { response: responseViews(field.fields) }),
  }));

/** What `listApis` says of a command to a caller of this role. */
export function apiView(command: Command, registry: Registry, role: Role): Fields {
  const { name, description, since, params, response } = command;
  return {
    name,
    description,
    since,
    isasync: isAsync(command),
    ...(response !== 'success' && { related: registry.answering(response.key).filter((each) => each !== name).join(',') }), // prettier-ignore
    params: Object.entries(params)
      .filter(([, param]) => !param.roles || param.roles.includes(role))
      .map(([param, declared]) => ({
        name: param,
        description: declared.description,
        type: declared.type,
        length: declared.length,
        required: declared.required,
        since: declared.since,
        ...(declared.entity && { related: registry.answering(ENTITIES[declared.entity].key).join(',') }),
      })),
    response:
      response === 'success'
        ? responseViews(
            fields({
              success: ['boolean', 'true if operation is executed successfully'],
              displaytext: ['string', 'any text associated with the success or failure'],
            }),
          )
        : responseViews(response.fields),
  };
}
