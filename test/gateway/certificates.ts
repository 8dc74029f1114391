import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Authority {
  ca: string;
  /** A server's key and certificate, for the name that API servers have. */
  key: string;
  cert: string;
}

/** An authority with one certificate of it, PEM; `names` as in subjectAltName. */
export function anAuthority(names = 'DNS:kubernetes,IP:203.0.113.10'): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'cks-ca-'));
  const file = (name: string) => join(folder, name);
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=kubernetes-ca', '-days', '2');
    openssl(
      'req', '-x509', ...key, '-keyout', 'api.key', '-out', 'api.pem', '-subj', '/CN=kube-apiserver', '-days', '2', '-CA', 'ca.pem', '-CAkey', 'ca.key',
      '-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=critical,CA:FALSE',
    ); // prettier-ignore
    const read = (name: string) => readFileSync(file(name), 'utf8');
    return { ca: read('ca.pem'), key: read('api.key'), cert: read('api.pem') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
