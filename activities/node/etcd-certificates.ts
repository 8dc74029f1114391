import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { keepSecret, readSecret, Secret } from '../../db/secret.js';
import type { VmRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import type { Deps } from '../deps.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const YEARS = 10;
const SERVER_AND_CLIENT = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];

x509.cryptoProvider.set(webcrypto as never);

interface Pair {
  cert: string;
  key: string;
}

/**
 * The cluster's etcd CA and a certificate of it, as base64 PEM for `cks-node`. `member`: for a machine that serves and is a peer; `client`: for
 * API servers. The CA is made once per cluster and stays sealed; a certificate is kept under its machine.
 */
export async function etcdCertificate(
  { db, sealer }: Deps,
  clusterId: string,
  vm: Pick<VmRow, 'uuid' | 'name' | 'ip_address'>,
  use: 'member' | 'client',
): Promise<{ ca: string; cert: string; key: string }> {
  const made = await makeCa(clusterId);
  const ca = parse(await keepSecret(db, sealer, `cluster/${clusterId}`, 'etcd-ca', () => seal(made)));
  const name = `etcd-${use}`;
  const known = await readSecret(db, sealer, `vm/${vm.uuid}`, name);
  const issued = known ?? seal(await issue(ca, vm, use));
  const pair = parse(known ?? (await keepSecret(db, sealer, `vm/${vm.uuid}`, name, () => issued)));
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return { ca: base64(ca.cert), cert: base64(pair.cert), key: base64(pair.key) };
}

const seal = (pair: Pair) => new Secret(JSON.stringify(pair));
const parse = (secret: Secret) => JSON.parse(secret.reveal()) as Pair;

const life = () => {
  const notBefore = new Date(Date.now() - 300_000);
  const notAfter = new Date(notBefore);
  notAfter.setFullYear(notAfter.getFullYear() + YEARS);
  return { notBefore, notAfter };
};

const pem = async (key: webcrypto.CryptoKey) =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

async function makeCa(clusterId: string): Promise<Pair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=etcd-ca-${clusterId}`,
    keys,
    ...life(),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return { cert: certificate.toString('pem'), key: await pem(keys.privateKey) };
}

async function issue(ca: Pair, vm: Pick<VmRow, 'name' | 'ip_address'>, use: 'member' | 'client'): Promise<Pair> {
  if (!vm.ip_address) throw fault('Internal', `${vm.name} has no address for its etcd certificate`);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(ca.key),
    ALGORITHM,
    false,
    ['sign'],
  );
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${use === 'client' ? 'kube-apiserver-etcd-client' : vm.name}`,
    issuer: new x509.X509Certificate(ca.cert).subject,
    publicKey: keys.publicKey,
    signingKey: signingKey as never,
    ...life(),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(use === 'client' ? SERVER_AND_CLIENT.slice(1) : SERVER_AND_CLIENT),
      ...(use === 'client'
        ? []
        : [
            new x509.SubjectAlternativeNameExtension([
              { type: 'dns', value: vm.name },
              { type: 'dns', value: 'localhost' },
              { type: 'ip', value: vm.ip_address },
              { type: 'ip', value: '127.0.0.1' },
            ]),
          ]),
    ],
  });
  return { cert: certificate.toString('pem'), key: await pem(keys.privateKey) };
}
