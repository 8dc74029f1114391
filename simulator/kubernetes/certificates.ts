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

/** A new CA with a server and an administrator certificate, with the names and lifetimes kubeadm gives them. */
export async function issueCertificates(names: string[]): Promise<ClusterCertificates> {
  const [caKeys, serverKeys, adminKeys] = await Promise.all([generate(), generate(), generate()]);
  const notBefore = new Date(Date.now() - 5 * 60_000);
  const usage = x509.KeyUsageFlags;
  const issue = (subject: x509.JsonName, keys: Keys, days: number, extensions: x509.Extension[]) =>
    x509.X509CertificateGenerator.create(
      {
        serialNumber: `01${randomBytes(8).toString('hex')}`,
        subject,
        issuer: [{ CN: ['kubernetes'] }],
        notBefore,
        notAfter: new Date(notBefore.getTime() + days * DAY),
        signingAlgorithm: ALGORITHM,
        publicKey: keys.publicKey,
        signingKey: caKeys.privateKey,
        extensions,
      },
      provider,
    );
  const leaf = (purpose: x509.ExtendedKeyUsageType): x509.Extension[] => [
    new x509.KeyUsagesExtension(usage.digitalSignature | usage.keyEncipherment, true),
    new x509.ExtendedKeyUsageExtension([purpose]),
    new x509.BasicConstraintsExtension(false, undefined, true),
  ];
  const sans = [...new Set(names.filter(Boolean))].map((value): x509.JsonGeneralName => ({
    type: isIP(value) ? 'ip' : 'dns',
    value,
  }));
  const [ca, server, admin] = await Promise.all([
    issue([{ CN: ['kubernetes'] }], caKeys, 3650, [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(usage.keyCertSign | usage.digitalSignature | usage.keyEncipherment, true),
    ]),
    issue([{ CN: ['kube-apiserver'] }], serverKeys, 365, [
      ...leaf(x509.ExtendedKeyUsage.serverAuth),
      new x509.SubjectAlternativeNameExtension(sans),
    ]),
    issue(
      [{ O: ['system:masters'] }, { O: ['kubeadm:cluster-admins'] }, { CN: ['kubernetes-admin'] }],
      adminKeys,
      365,
      [...leaf(x509.ExtendedKeyUsage.clientAuth)],
    ),
  ]);
  return { ca: await pem(ca, caKeys), server: await pem(server, serverKeys), admin: await pem(admin, adminKeys) };
}

/** The value `kubeadm join --discovery-token-ca-cert-hash` pins. */
export const caHashOf = (caPem: string): string => {
  const spki = new X509Certificate(caPem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
};
