import { type Resource, groupVersionOf } from './resources.js';

const READ_WRITE = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

function describe(resource: Resource): object[] {
  const { plural, kind, namespaced, shortNames, categories, subresources } = resource;
  const names = { ...(shortNames.length && { shortNames }), ...(categories.length && { categories }) };
  const main = { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs: READ_WRITE, ...names };
  const sub = subresources.map((subresource) => {
    const common = { name: `${plural}/${subresource}`, singularName: '', namespaced };
    if (subresource === 'eviction')
      return { ...common, group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] };
    const scale = subresource === 'scale' && { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    return { ...common, kind, ...scale, verbs: ['get', 'patch', 'update'] };
  });
  return [main, ...sub];
}

function groupOf(name: string, resources: Resource[]): object {
  const versions = [...new Set(resources.filter(({ group }) => group === name).map(groupVersionOf))].map(
    (groupVersion) => ({ groupVersion, version: groupVersion.split('/')[1] }),
  );
  return { name, versions, preferredVersion: versions[0] };
}

/** Answers `/api`, `/apis`, `/apis/<group>` and the resource lists of group versions; undefined for other paths. */
export function discover(path: string, resources: Resource[], endpoint: string): object | undefined {
  const groups = [...new Set(resources.map(({ group }) => group).filter(Boolean))];
  if (path === '/api') {
    const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress: endpoint }];
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs };
  }
  if (path === '/apis')
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((group) => groupOf(group, resources)) };
  const [, root, group = '', version] = path.split('/');
  if (root === 'apis' && version === undefined && groups.includes(group))
    return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group, resources) };
  const groupVersion = root === 'api' ? group : `${group}/${version}`;
  const served = resources.filter((resource) => groupVersionOf(resource) === groupVersion);
  if (!served.length || path.split('/').length !== (root === 'api' ? 3 : 4)) return undefined;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: served.flatMap(describe) };
}

/** No schemas: only that every kind takes `fieldValidation`, so that kubectl leaves validation to the server. */
export function openApi(path: string, resources: Resource[]): object | undefined {
  const prefix = (groupVersion: string): string => (groupVersion.includes('/') ? 'apis/' : 'api/') + groupVersion;
  const groupVersions = [...new Set(resources.map(groupVersionOf))];
  if (path === '/openapi/v3') {
    const entry = (groupVersion: string) => [
      prefix(groupVersion),
      { serverRelativeURL: `/openapi/v3/${prefix(groupVersion)}` },
    ];
    return { paths: Object.fromEntries(groupVersions.map(entry)) };
  }
  const wanted = groupVersions.find((groupVersion) => path === `/openapi/v3/${prefix(groupVersion)}`);
  if (!wanted) return undefined;
  const parameters = ['fieldValidation', 'fieldManager', 'dryRun'].map((name) => {
    return { name, in: 'query', schema: { type: 'string', uniqueItems: true } };
  });
  const paths = resources
    .filter((resource) => groupVersionOf(resource) === wanted)
    .map(({ group, version, kind, plural, namespaced }) => {
      const action = { 'x-kubernetes-group-version-kind': { group, version, kind }, parameters, responses: {} };
      return [`/${prefix(wanted)}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}/{name}`, { patch: action }];
    });
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes (simulated)', version: 'v1' },
    paths: Object.fromEntries(paths),
  };
}
