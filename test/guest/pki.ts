import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A CA in a folder, and certificates of it, made by openssl. */
export class Pki {
  constructor(readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#run(
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=ca -days 3650 -keyout ca.key -out ca.crt',
    );
  }

  /** `days` may be negative: ended so long ago. `sans`: as openssl writes them. Files NAME.crt and NAME.key. */
  issue(name: string, subject: string, days = 365, sans = 'DNS:localhost'): void {
    writeFileSync(join(this.folder, 'ext'), `subjectAltName=${sans}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    this.#run(
      `req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj ${subject} -keyout ${name}.key -out ${name}.csr`,
    );
    const at = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, '');
    writeFileSync(join(this.folder, 'index'), '');
    writeFileSync(join(this.folder, 'serial'), '01\n');
    writeFileSync(
      join(this.folder, 'ca.conf'),
      '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\norganizationName=optional\n',
    );
    this.#run(
      `ca -batch -notext -config ca.conf -cert ca.crt -keyfile ca.key -extfile ext -startdate ${at(-400)} -enddate ${at(days)} -in ${name}.csr -out ${name}.crt`,
    );
  }

  read = (file: string): string => readFileSync(join(this.folder, file), 'utf8');
  base64 = (file: string): string => readFileSync(join(this.folder, file)).toString('base64');

  #run(words: string): void {
    const { status, stderr } = spawnSync('openssl', words.split(' '), { cwd: this.folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${words}: ${stderr}`);
  }
}
