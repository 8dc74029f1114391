#!/usr/bin/env bash
# Makes the medium of one Kubernetes version with scripts/create-kubernetes-binaries-iso.sh, without network: all sources are what was built.
# usage: medium.sh CACHE KUBERNETES ETCD ETCDCTL COREDNS CNI CRICTL FLANNEL NODE_ROOT.tar      leaves CACHE/media/setup-vKUBERNETES-x86_64.iso
set -euo pipefail

cache=${1:?cache} kubernetes=${2:?version} etcd=${3:?version} etcdctl=${4:?version} coredns=${5:?version}
cni=${6:?version} crictl=${7:?version} flannel=${8:?version} node_root=${9:?root}
here=$(cd "$(dirname "$0")" && pwd)
media=$cache/media
mkdir -p "$media"
work=$(mktemp -d "$media/.work-XXXXXX")
trap 'rm -rf "$work"' EXIT

images=$cache/images/$kubernetes
rm -rf "$images" "$cache/tables" # how they are made may have changed
"$here/images.sh" "$cache" "$kubernetes" "$node_root" "$etcdctl" "$coredns" "$flannel" "$images"
{
  "$cache/kubernetes/$kubernetes/kubeadm" config images list --kubernetes-version "v$kubernetes"
  printf '%s\n' "lab.cks/flannel:v$flannel" lab.cks/busybox:lab
} >"$work/images"
tar -C "$cache/cni/$cni" --exclude=.module -czf "$work/cni.tgz" .
tar -C "$cache/crictl/$crictl" --exclude=.module -czf "$work/crictl.tar.gz" .
mkdir "$work/etcd-v$etcd"
cp "$cache/etcd/$etcd/etcd" "$cache/etcdctl/$etcdctl/etcdctl" "$work/etcd-v$etcd/"
tar -C "$work" -czf "$work/etcd.tar.gz" "etcd-v$etcd"
sed "s/:FLANNEL$/:v$flannel/" "$here/network.yaml" >"$work/network.yaml"

mkdir "$work/out"
KUBERNETES_SOURCE=$cache/kubernetes/$kubernetes CNI_SOURCE=$work/cni.tgz CRICTL_SOURCE=$work/crictl.tar.gz ETCD_SOURCE=$work/etcd.tar.gz \
  IMAGES_LIST=$work/images IMAGES_SOURCE=$images PROVIDER_SOURCE=none AUTOSCALER_SOURCE=none CSI_CRDS_SOURCE=none CSI_SOURCE=none \
  TMPDIR=$work "$here/../../scripts/create-kubernetes-binaries-iso.sh" "$work/out" "$kubernetes" "$cni" "$crictl" "$work/network.yaml" none \
  "setup-v$kubernetes" x86_64 "$etcd" >&2
mv "$work"/out/*.iso "$media/"
