import type koffiTypes from 'koffi';
import type { LibraryHandle } from 'koffi';

declare const kind: unique symbol;
/** A pointer of libvirt. koffi's pointers are plain numbers, and a wrong one ends the process: the brand keeps kinds apart. */
export type Ptr<K extends string> = bigint & { readonly [kind]: K };
export type ConnectPtr = Ptr<'connect'>;
export type DomainPtr = Ptr<'domain'>;
export type PoolPtr = Ptr<'pool'>;
export type VolumePtr = Ptr<'volume'>;
export type StreamPtr = Ptr<'stream'>;

export interface LastError {
  code: number;
  domain: number;
  message: string | null;
}

type Koffi = typeof koffiTypes;

export const LIBRARY = 'libvirt.so.0';

/**
 * The part of libvirt that this service uses. Called synchronously, in a thread: libvirt's error is the calling thread's own. What
 * returns a heap string is declared `HeapStr`, which frees it.
 */
function bind(koffi: Koffi, lib: LibraryHandle, qemu: () => LibraryHandle) {
  for (const name of ['Connect', 'Domain', 'StoragePool', 'StorageVol', 'Stream'])
    koffi.pointer(`vir${name}Ptr`, koffi.opaque());
  koffi.disposable('HeapStr', 'str');
  koffi.struct('virError', {
    code: 'int', domain: 'int', message: 'str', level: 'int', conn: 'void *', dom: 'void *',
    str1: 'str', str2: 'str', str3: 'str', int1: 'int', int2: 'int', net: 'void *',
  }); // prettier-ignore
  koffi.struct('virNodeInfo', {
    model: koffi.array('char', 32), memory: 'ulong', cpus: 'uint', mhz: 'uint', nodes: 'uint', sockets: 'uint', cores: 'uint', threads: 'uint',
  }); // prettier-ignore
  koffi.struct('virStoragePoolInfo', { state: 'int', capacity: 'uint64', allocation: 'uint64', available: 'uint64' });
  koffi.struct('virStorageVolInfo', { type: 'int', capacity: 'uint64', allocation: 'uint64' });
  const f = <T extends (...a: never[]) => unknown>(prototype: string) => lib.func(prototype) as unknown as T;
  type D = (d: DomainPtr) => number;
  type Text<P> = (p: P, flags: number) => string | null;
  const getLastError = f<() => unknown>('void *virGetLastError()');
  // libvirt prints every error unless it has a handler; a native function that does nothing is the only safe one across threads.
  f<(user: null, handler: bigint) => void>('void virSetErrorFunc(void *u, void *f)')(
    null,
    lib.symbol('virResetError') as bigint,
  );
  return {
    lastError: (): LastError | undefined => {
      const error = getLastError();
      return error ? (koffi.decode(error, 'virError') as LastError) : undefined;
    },
    eventRegister: f<() => number>('int virEventRegisterDefaultImpl()'),
    eventRun: f<() => number>('int virEventRunDefaultImpl()'),

    open: f<(uri: string) => ConnectPtr | null>('virConnectPtr virConnectOpen(str uri)'),
    close: f<(c: ConnectPtr) => number>('int virConnectClose(virConnectPtr c)'),
    isAlive: f<(c: ConnectPtr) => number>('int virConnectIsAlive(virConnectPtr c)'),
    setKeepAlive: f<(c: ConnectPtr, interval: number, count: number) => number>(
      'int virConnectSetKeepAlive(virConnectPtr c, int interval, uint count)'),
    nodeInfo: f<(c: ConnectPtr, out: object) => number>('int virNodeGetInfo(virConnectPtr c, _Out_ virNodeInfo *i)'),
    capabilities: f<(c: ConnectPtr) => string | null>('HeapStr virConnectGetCapabilities(virConnectPtr c)'),

    listDomains: f<(c: ConnectPtr, out: [bigint | null], flags: number) => number>(
      'int virConnectListAllDomains(virConnectPtr c, _Out_ void **d, uint flags)'),
    domainLookup: f<(c: ConnectPtr, name: string) => DomainPtr | null>(
      'virDomainPtr virDomainLookupByName(virConnectPtr c, str name)'),
    domainDefine: f<(c: ConnectPtr, xml: string) => DomainPtr | null>('virDomainPtr virDomainDefineXML(virConnectPtr c, str xml)'),
    domainFree: f<D>('int virDomainFree(virDomainPtr d)'),
    domainXml: f<Text<DomainPtr>>('HeapStr virDomainGetXMLDesc(virDomainPtr d, uint flags)'),
    domainState: f<(d: DomainPtr, state: [number], reason: [number], flags: number) => number>(
      'int virDomainGetState(virDomainPtr d, _Out_ int *s, _Out_ int *r, uint flags)'),
    domainCreate: f<D>('int virDomainCreate(virDomainPtr d)'),
    domainResume: f<D>('int virDomainResume(virDomainPtr d)'),
    domainShutdown: f<D>('int virDomainShutdown(virDomainPtr d)'),
    domainDestroy: f<D>('int virDomainDestroy(virDomainPtr d)'),
    domainUndefine: f<(d: DomainPtr, flags: number) => number>('int virDomainUndefineFlags(virDomainPtr d, uint flags)'),
    domainAutostart: f<(d: DomainPtr, out: [number]) => number>('int virDomainGetAutostart(virDomainPtr d, _Out_ int *a)'),
    domainSetAutostart: f<(d: DomainPtr, on: number) => number>('int virDomainSetAutostart(virDomainPtr d, int on)'),
    domainUpdateDevice: f<(d: DomainPtr, xml: string, flags: number) => number>(
      'int virDomainUpdateDeviceFlags(virDomainPtr d, str xml, uint flags)'),
    domainSetVcpus: f<(d: DomainPtr, count: number, flags: number) => number>(
      'int virDomainSetVcpusFlags(virDomainPtr d, uint n, uint flags)'),
    domainSetMetadata: f<(d: DomainPtr, type: number, text: string | null, key: string, uri: string, flags: number) => number>(
      'int virDomainSetMetadata(virDomainPtr d, int type, str metadata, str key, str uri, uint flags)'),
    domainVcpus: f<(d: DomainPtr, flags: number) => number>('int virDomainGetVcpusFlags(virDomainPtr d, uint flags)'),
    domainSetMemory: f<(d: DomainPtr, kib: number, flags: number) => number>(
      'int virDomainSetMemoryFlags(virDomainPtr d, ulong kib, uint flags)'),

    poolLookup: f<(c: ConnectPtr, name: string) => PoolPtr | null>(
      'virStoragePoolPtr virStoragePoolLookupByName(virConnectPtr c, str name)'),
    poolFree: f<(p: PoolPtr) => number>('int virStoragePoolFree(virStoragePoolPtr p)'),
    poolIsActive: f<(p: PoolPtr) => number>('int virStoragePoolIsActive(virStoragePoolPtr p)'),
    poolCreate: f<(p: PoolPtr, flags: number) => number>('int virStoragePoolCreate(virStoragePoolPtr p, uint flags)'),
    poolRefresh: f<(p: PoolPtr, flags: number) => number>('int virStoragePoolRefresh(virStoragePoolPtr p, uint flags)'),
    poolXml: f<Text<PoolPtr>>('HeapStr virStoragePoolGetXMLDesc(virStoragePoolPtr p, uint flags)'),
    poolInfo: f<(p: PoolPtr, out: object) => number>('int virStoragePoolGetInfo(virStoragePoolPtr p, _Out_ virStoragePoolInfo *i)'),
    listVolumes: f<(p: PoolPtr, out: [bigint | null], flags: number) => number>(
      'int virStoragePoolListAllVolumes(virStoragePoolPtr p, _Out_ void **v, uint flags)'),

    volumeLookup: f<(p: PoolPtr, name: string) => VolumePtr | null>(
      'virStorageVolPtr virStorageVolLookupByName(virStoragePoolPtr p, str name)'),
    volumeFree: f<(v: VolumePtr) => number>('int virStorageVolFree(virStorageVolPtr v)'),
    volumeName: f<(v: VolumePtr) => string | null>('str virStorageVolGetName(virStorageVolPtr v)'),
    volumePath: f<(v: VolumePtr) => string | null>('HeapStr virStorageVolGetPath(virStorageVolPtr v)'),
    volumeXml: f<Text<VolumePtr>>('HeapStr virStorageVolGetXMLDesc(virStorageVolPtr v, uint flags)'),
    volumeInfo: f<(v: VolumePtr, out: object, flags: number) => number>(
      'int virStorageVolGetInfoFlags(virStorageVolPtr v, _Out_ virStorageVolInfo *i, uint flags)'),
    volumeCreate: f<(p: PoolPtr, xml: string, flags: number) => VolumePtr | null>(
      'virStorageVolPtr virStorageVolCreateXML(virStoragePoolPtr p, str xml, uint flags)'),
    volumeClone: f<(p: PoolPtr, xml: string, from: VolumePtr, flags: number) => VolumePtr | null>(
      'virStorageVolPtr virStorageVolCreateXMLFrom(virStoragePoolPtr p, str xml, virStorageVolPtr from, uint flags)'),
    volumeDelete: f<(v: VolumePtr, flags: number) => number>('int virStorageVolDelete(virStorageVolPtr v, uint flags)'),
    volumeResize: f<(v: VolumePtr, bytes: number, flags: number) => number>(
      'int virStorageVolResize(virStorageVolPtr v, uint64 bytes, uint flags)'),
    volumeUpload: f<(v: VolumePtr, s: StreamPtr, offset: number, bytes: number, flags: number) => number>(
      'int virStorageVolUpload(virStorageVolPtr v, virStreamPtr s, uint64 offset, uint64 bytes, uint flags)'),
    volumeDownload: f<(v: VolumePtr, s: StreamPtr, offset: number, bytes: number, flags: number) => number>(
      'int virStorageVolDownload(virStorageVolPtr v, virStreamPtr s, uint64 offset, uint64 bytes, uint flags)'),

    streamNew: f<(c: ConnectPtr, flags: number) => StreamPtr | null>('virStreamPtr virStreamNew(virConnectPtr c, uint flags)'),
    streamSend: f<(s: StreamPtr, part: Buffer, bytes: number) => number>('int virStreamSend(virStreamPtr s, void *data, size_t n)'),
    streamRecv: f<(s: StreamPtr, part: Buffer, bytes: number) => number>(
      'int virStreamRecv(virStreamPtr s, _Out_ void *data, size_t n)'),
    streamFinish: f<(s: StreamPtr) => number>('int virStreamFinish(virStreamPtr s)'),
    streamAbort: f<(s: StreamPtr) => number>('int virStreamAbort(virStreamPtr s)'),
    streamFree: f<(s: StreamPtr) => number>('int virStreamFree(virStreamPtr s)'),

    /** One command of QEMU's own protocol; its answer is not needed. */
    qemuCommand: (domain: DomainPtr, command: string): number => {
      // From another library of the same package, needed by a repair only.
      const run = qemu().func('int virDomainQemuMonitorCommand(virDomainPtr d, str command, _Out_ void **answer, uint flags)');
      const answer: [bigint | null] = [null];
      const result = run(domain, command, answer, 0) as number;
      if (answer[0] !== null) koffi.free(answer[0]);
      return result;
    },

    /** The pointers of an array that a list call allocated, which is freed. */
    takeList: <K extends string>(array: bigint | null, count: number): Ptr<K>[] => {
      if (array === null) return [];
      const found = count > 0 ? (koffi.decode(array, 'void *', count) as Ptr<K>[]) : [];
      koffi.free(array);
      return found;
    },
  }; // prettier-ignore
}
export type Library = ReturnType<typeof bind>;

/** Throws a plain error that names the missing package; a thread may try again. */
export async function loadLibrary(name = LIBRARY): Promise<Library> {
  let koffi: Koffi;
  try {
    ({ default: koffi } = await import('koffi'));
  } catch (cause) {
    throw new Error('the package koffi is not complete: install without omitting optional dependencies (npm ci)', {
      cause,
    });
  }
  try {
    return bind(koffi, koffi.load(name), () => koffi.load(name.replace('libvirt', 'libvirt-qemu')));
  } catch (cause) {
    throw new Error(
      `the libvirt client library ${name} cannot be loaded: install libvirt0 (Debian, Ubuntu) or libvirt-libs (Fedora, RHEL, openSUSE, Alpine) beside the worker`,
      { cause },
    );
  }
}
