import 'reflect-metadata';
import { createHash, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

export interface KeyPair {
  cert: string;
  key: string;
}

export interface ClusterCertificates {
  ca: KeyPair;
  server: KeyPair;
  admin: KeyPair;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY = 24 * 3600_000;

type Keys = webcrypto.CryptoKeyPair;
const provider = webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0];
const generate = (): Promise<Keys> => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function pem(certificate: x509.X509Certificate, keys: Keys): Promise<KeyPair> {
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: `${certificate.toString('pem')}\n`, key: `${x509.PemConverter.encode(key, 'PRIVATE KEY')}\n` };
}

/** Issues certificates of one authority: for itself, and with the lifetimes that kubeadm gives them. */
function issuer(caKeys: Keys) {
  const notBefore = new Date(Date.now() - 10 * 60_000);
  return (subject: x509.JsonName, keys: Keys, notAfter: number, extensions: x509.Extension[]) =>
    x509.X509CertificateGenerator.create(
      {
        serialNumber: `01${randomBytes(8).toString('hex')}`,
        subject,
        issuer: [{ CN: ['kubernetes'] }],
        notBefore,
        notAfter: new Date(notAfter),
        signingAlgorithm: ALGORITHM,
        publicKey: keys.publicKey,
        signingKey: caKeys.privateKey,
        extensions,
      },
      provider,
    );
}
const usage = x509.KeyUsageFlags;

async function issueLeaves(caKeys: Keys, names: string[], until: number): Promise<{ server: KeyPair; admin: KeyPair }> {
  const [serverKeys, adminKeys] = await Promise.all([generate(), generate()]);
  const leaf = (purpose: x509.ExtendedKeyUsageType): x509.Extension[] => [
    new x509.KeyUsagesExtension(usage.digitalSignature | usage.keyEncipherment, true),
    new x509.ExtendedKeyUsageExtension([purpose]),
    new x509.BasicConstraintsExtension(false, undefined, true),
  ];
  const sans = [...new Set(names.filter(Boolean))].map((value): x509.JsonGeneralName => ({
    type: isIP(value) ? 'ip' : 'dns',
    value,
  }));
  const issue = issuer(caKeys);
  const groups: x509.JsonName = [
    { O: ['system:masters'] },
    { O: ['kubeadm:cluster-admins'] },
    { CN: ['kubernetes-admin'] },
  ];
  const [server, admin] = await Promise.all([
    issue([{ CN: ['kube-apiserver'] }], serverKeys, until, [
      ...leaf(x509.ExtendedKeyUsage.serverAuth),
      new x509.SubjectAlternativeNameExtension(sans),
    ]),
    issue(groups, adminKeys, until, leaf(x509.ExtendedKeyUsage.clientAuth)),
  ]);
  return { server: await pem(server, serverKeys), admin: await pem(admin, adminKeys) };
}

/** A new CA with a server and an administrator certificate that are good for a year from `now`. */
export async function issueCertificates(names: string[], now = Date.now()): Promise<ClusterCertificates> {
  const caKeys = await generate();
  const ca = await issuer(caKeys)([{ CN: ['kubernetes'] }], caKeys, now + 3650 * DAY, [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(usage.keyCertSign | usage.digitalSignature | usage.keyEncipherment, true),
  ]);
  return { ca: await pem(ca, caKeys), ...(await issueLeaves(caKeys, names, now + 365 * DAY)) };
}

/** The same CA and names with new leaves that are good until then. */
export async function renewCertificates(
  { ca, server }: ClusterCertificates,
  until: number,
): Promise<ClusterCertificates> {
  const der = x509.PemConverter.decodeFirst(ca.key);
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']);
  const names = (new X509Certificate(server.cert).subjectAltName ?? '')
    .split(', ')
    .map((one) => one.replace(/^.*?:/, ''));
  return { ca, ...(await issueLeaves({ privateKey, publicKey: privateKey }, names, until)) };
}

/** The value `kubeadm join --discovery-token-ca-cert-hash` pins. */
export const caHashOf = (caPem: string): string => {
  const spki = new X509Certificate(caPem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
};
