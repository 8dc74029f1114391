/** Answers the questions `kubectl auth can-i` and `kubectl auth whoami` ask; an administrator may do everything. */
export function review(path: string, username: string, groups: string[]): object | undefined {
  const [, , group, version, kind] = path.split('/');
  const status = { allowed: true, reason: 'simulated: every administrator may do everything' };
  if (version !== 'v1') return undefined;
  if (group === 'authorization.k8s.io' && kind === 'selfsubjectaccessreviews')
    return { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', metadata: {}, spec: {}, status };
  if (group === 'authentication.k8s.io' && kind === 'selfsubjectreviews') {
    const userInfo = { username, groups: [...groups, 'system:authenticated'] };
    return { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: {}, status: { userInfo } };
  }
  return undefined;
}
